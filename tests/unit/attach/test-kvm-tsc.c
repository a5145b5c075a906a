/* SPDX-License-Identifier: MIT */
/* What KVM's debugfs says of a guest's counter, from files made here. */
#include "../../../src/attach/kvm-tsc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define PID 4711

static char root[] = "/tmp/trackway-kvm-XXXXXX";

static void make_directory(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(remove(path), 0);
}

/* A VM of two processors, with this offset. */
static int make_vm(void **state)
{
	make_directory("47110-9");
	make_directory("4711");
	make_directory("4711-12");
	make_directory("4711-12/vcpu0");
	make_directory("4711-12/vcpu1");
	put("4711-12/vcpu0/tsc-offset", "-1000\n");
	put("4711-12/vcpu1/tsc-offset", "-1000\n");
	return 0;
}

static int drop_vm(void **state)
{
	drop("4711-12/vcpu1/tsc-offset");
	drop("4711-12/vcpu0/tsc-offset");
	drop("4711-12/vcpu1");
	drop("4711-12/vcpu0");
	drop("4711-12");
	drop("4711");
	drop("47110-9");
	return 0;
}

static void test_offset(void **state)
{
	struct tw_kvm_scale scale, other;
	struct tw_kvm_tsc *kvm;

	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), 0);
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), 0);
	assert_int_equal(scale.offset, -1000);
	assert_int_equal(tw_kvm_scale_apply(&scale, 5000), 4000);
	/* Below zero a counter goes round. */
	assert_true(tw_kvm_scale_apply(&scale, 0) == UINT64_MAX - 999);

	put("4711-12/vcpu0/tsc-offset", "18446744073709551615\n");
	put("4711-12/vcpu1/tsc-offset", "-1\n");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &other), 0);
	assert_int_equal(other.offset, -1);
	assert_false(tw_kvm_scale_equals(&scale, &other));
	tw_kvm_tsc_close(kvm);
}

static void test_scaled(void **state)
{
	static const char *const files[] = {
		"4711-12/vcpu0/tsc-scaling-ratio",
		"4711-12/vcpu1/tsc-scaling-ratio",
		"4711-12/vcpu0/tsc-scaling-ratio-frac-bits",
		"4711-12/vcpu1/tsc-scaling-ratio-frac-bits",
	};
	struct tw_kvm_scale scale;
	struct tw_kvm_tsc *kvm;

	/* Three quarters. */
	for (int i = 0; i < 4; i++)
		put(files[i], i < 2 ? "3221225472\n" : "32\n");
	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), 0);
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), 0);
	assert_true(tw_kvm_scale_apply(&scale, UINT64_C(4) << 60) ==
		    (UINT64_C(3) << 60) - 1000);
	put(files[3], "64\n");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), -EBADMSG);
	put(files[3], "31\n");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), -EAGAIN);
	tw_kvm_tsc_close(kvm);
	for (int i = 0; i < 4; i++)
		drop(files[i]);
}

static void test_differing(void **state)
{
	struct tw_kvm_scale scale;
	struct tw_kvm_tsc *kvm;

	put("4711-12/vcpu1/tsc-offset", "-1001\n");
	/* They may agree later. */
	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), 0);
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), -EAGAIN);
	put("4711-12/vcpu0/tsc-offset", "-1001\n");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), 0);
	assert_int_equal(scale.offset, -1001);
	tw_kvm_tsc_close(kvm);
}

/* Ids are those of the processors' APICs. */
static void test_gap(void **state)
{
	struct tw_kvm_scale scale;
	struct tw_kvm_tsc *kvm;

	make_directory("4711-12/vcpu6");
	make_directory("4711-12/vcpu6x");
	put("4711-12/vcpu6/tsc-offset", "-1001\n");
	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), 0);
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), -EAGAIN);
	put("4711-12/vcpu6/tsc-offset", "-1000\n");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), 0);
	tw_kvm_tsc_close(kvm);
	drop("4711-12/vcpu6/tsc-offset");
	drop("4711-12/vcpu6");
	drop("4711-12/vcpu6x");
}

/* Without one, KVM has no counter to tell of. */
static void test_no_processor(void **state)
{
	struct tw_kvm_tsc *kvm;

	drop_vm(state);
	make_directory("4711-12");
	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), -ENOENT);
	drop("4711-12");
	make_vm(state);
}

static void test_several(void **state)
{
	struct tw_kvm_tsc *kvm;

	make_directory("4711-13");
	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), -ENOENT);
	drop("4711-13");
	assert_int_equal(tw_kvm_tsc_open(root, PID + 1, &kvm), -ENOENT);
	assert_int_equal(tw_kvm_tsc_open("/nonexistent", PID, &kvm), -ENOENT);
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"12",
		"12 \n",
		"x\n",
		"99999999999999999999\n",
		"-9223372036854775809\n",
	};
	struct tw_kvm_tsc *kvm;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("4711-12/vcpu0/tsc-offset", texts[i]);
		assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), -EBADMSG);
	}
}

static void test_gone(void **state)
{
	struct tw_kvm_scale scale;
	struct tw_kvm_tsc *kvm;

	assert_int_equal(tw_kvm_tsc_open(root, PID, &kvm), 0);
	drop("4711-12/vcpu0/tsc-offset");
	assert_int_equal(tw_kvm_tsc_scale(kvm, &scale), -ENOENT);
	tw_kvm_tsc_close(kvm);
	put("4711-12/vcpu0/tsc-offset", "0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offset, make_vm, drop_vm),
		cmocka_unit_test_setup_teardown(test_scaled, make_vm, drop_vm),
		cmocka_unit_test_setup_teardown(test_differing, make_vm,
						drop_vm),
		cmocka_unit_test_setup_teardown(test_gap, make_vm, drop_vm),
		cmocka_unit_test_setup_teardown(test_no_processor, make_vm,
						drop_vm),
		cmocka_unit_test_setup_teardown(test_several, make_vm, drop_vm),
		cmocka_unit_test_setup_teardown(test_nonsense, make_vm,
						drop_vm),
		cmocka_unit_test_setup_teardown(test_gone, make_vm, drop_vm),
	};
	int failed;

	if (!mkdtemp(root))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(root);
	return failed;
}
