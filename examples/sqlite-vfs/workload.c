/* SPDX-License-Identifier: MIT */
/*
 * The workload: see workload.h. Statements are prepared once; the loops only
 * bind, step and reset them, so that what is measured is SQLite.
 */
#include "workload.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ACCOUNTS 2000
#define ORDERS_KEPT 20000
#define LEDGER_EVERY 50	     /* transactions */
#define CHECKPOINT_EVERY 500 /* transactions */
#define STATEMENTS_MAX 8

/* One thread's connection. */
struct session {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS_MAX];
	uint64_t random;
	const char *doing; /* for the message, should it fail */
};

static const char *const shop_schema =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL;"
	"PRAGMA wal_autocheckpoint = 0;"
	"PRAGMA cache_size = 100;"
	"CREATE TABLE IF NOT EXISTS account("
	"  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, balance INTEGER);"
	"CREATE TABLE IF NOT EXISTS orders("
	"  id INTEGER PRIMARY KEY, account INTEGER REFERENCES account,"
	"  item TEXT NOT NULL, amount INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS orders_account ON orders(account, amount);"
	"CREATE INDEX IF NOT EXISTS account_balance ON account(balance);";

static const char *const shop_fill =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	"  SELECT i + 1 FROM n WHERE i < ?1)"
	"INSERT OR IGNORE INTO account"
	"  SELECT i, 'owner ' || i, 100000 FROM n;";

static const char *const ledger_schema =
	"PRAGMA journal_mode = TRUNCATE;"
	"PRAGMA synchronous = FULL;"
	"CREATE TABLE IF NOT EXISTS entry("
	"  id INTEGER PRIMARY KEY, at TEXT, transactions INTEGER);";

enum clerk_statement {
	CLERK_BEGIN,
	CLERK_COMMIT,
	CLERK_ORDER,
	CLERK_PAY,
	CLERK_FORGET,
	CLERK_CHECKPOINT,
	CLERK_STATEMENTS,
};

static const char *const clerk_sql[CLERK_STATEMENTS] = {
	[CLERK_BEGIN] = "BEGIN IMMEDIATE",
	[CLERK_COMMIT] = "COMMIT",
	[CLERK_ORDER] = "INSERT INTO orders(account, item, amount)"
			" VALUES(?1, printf('item %d of %d', ?2, ?1), ?2)",
	[CLERK_PAY] = "UPDATE account SET balance = balance + ?2"
		      " WHERE id = ?1",
	[CLERK_FORGET] = "DELETE FROM orders WHERE id <="
			 " (SELECT max(id) FROM orders) - ?1",
	[CLERK_CHECKPOINT] = "PRAGMA wal_checkpoint(PASSIVE)",
};

enum ledger_statement {
	LEDGER_ENTER,
	LEDGER_STATEMENTS,
};

static const char *const ledger_sql[LEDGER_STATEMENTS] = {
	[LEDGER_ENTER] = "INSERT INTO entry(at, transactions)"
			 " VALUES(datetime('now'), ?1)",
};

enum reporter_statement {
	REPORTER_SPENT,
	REPORTER_ORDER,
	REPORTER_RICHEST,
	REPORTER_STATEMENTS,
};

static const char *const reporter_sql[REPORTER_STATEMENTS] = {
	[REPORTER_SPENT] = "SELECT count(*), sum(amount) FROM orders"
			   " WHERE account = ?1",
	[REPORTER_ORDER] = "SELECT o.item, a.owner FROM orders o"
			   " JOIN account a ON a.id = o.account"
			   " WHERE o.id >= ?1 LIMIT 5",
	[REPORTER_RICHEST] = "SELECT owner, balance FROM account"
			     " ORDER BY balance DESC LIMIT 20",
};

/* xorshift64: the same numbers on every run. */
static int random_below(struct session *session, int limit)
{
	uint64_t x = session->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	session->random = x;
	return (int)(x % (uint64_t)limit);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void session_close(struct session *session)
{
	for (int i = 0; i < STATEMENTS_MAX; i++)
		sqlite3_finalize(session->statement[i]);
	sqlite3_close(session->db);
}

/* On failure the session is to be closed all the same. */
static int session_open(struct session *session, const char *path,
			const char *schema, const char *const *sql, int count)
{
	int result = sqlite3_open(path, &session->db);

	session->random = 0x9e3779b97f4a7c15u;
	session->doing = "open";
	if (result == SQLITE_OK)
		result = sqlite3_busy_timeout(session->db, 10000);
	if (result == SQLITE_OK && schema) {
		session->doing = schema;
		result = sqlite3_exec(session->db, schema, NULL, NULL, NULL);
	}
	for (int i = 0; i < count && result == SQLITE_OK; i++) {
		session->doing = sql[i];
		result = sqlite3_prepare_v3(session->db, sql[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &session->statement[i], NULL);
	}
	return result;
}

/* Run a statement to its end with up to two numbers bound. */
static int session_run(struct session *session, int which, int64_t first,
		       int64_t second)
{
	sqlite3_stmt *statement = session->statement[which];
	int parameters = sqlite3_bind_parameter_count(statement);
	int result;

	session->doing = sqlite3_sql(statement);
	if (parameters > 0)
		sqlite3_bind_int64(statement, 1, first);
	if (parameters > 1)
		sqlite3_bind_int64(statement, 2, second);
	do
		result = sqlite3_step(statement);
	while (result == SQLITE_ROW);
	sqlite3_reset(statement);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

static void workload_fail(struct workload *workload,
			  const struct session *session)
{
	snprintf(workload->error, sizeof(workload->error), "%s: %.160s",
		 sqlite3_errmsg(session->db), session->doing);
}

/* The two databases and the thread that works on them. */
struct clerk {
	struct session shop;
	struct session ledger;
};

static int clerk_open(struct clerk *clerk, struct workload *workload)
{
	char path[4096];
	sqlite3_stmt *fill = NULL;
	int result;

	result = session_open(&clerk->shop, workload->path, shop_schema,
			      clerk_sql, CLERK_STATEMENTS);
	if (result == SQLITE_OK) {
		clerk->shop.doing = shop_fill;
		result = sqlite3_prepare_v2(clerk->shop.db, shop_fill, -1,
					    &fill, NULL);
	}
	if (result == SQLITE_OK) {
		sqlite3_bind_int(fill, 1, ACCOUNTS);
		sqlite3_step(fill);
		result = sqlite3_finalize(fill);
	}
	if (result != SQLITE_OK) {
		workload_fail(workload, &clerk->shop);
		return -1;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s-ledger", workload->path) >=
	    sizeof(path)) {
		snprintf(workload->error, sizeof(workload->error),
			 "the database's path is too long");
		return -1;
	}
	if (session_open(&clerk->ledger, path, ledger_schema, ledger_sql,
			 LEDGER_STATEMENTS) != SQLITE_OK) {
		workload_fail(workload, &clerk->ledger);
		return -1;
	}
	return 0;
}

/* One transaction: an order, or a payment from one account to another. */
static int clerk_transaction(struct clerk *clerk)
{
	struct session *shop = &clerk->shop;
	int account = 1 + random_below(shop, ACCOUNTS);
	int other = 1 + random_below(shop, ACCOUNTS);
	int amount = 1 + random_below(shop, 100);
	int result = session_run(shop, CLERK_BEGIN, 0, 0);

	if (result == SQLITE_OK && amount > 40) {
		result = session_run(shop, CLERK_ORDER, account, amount);
	} else if (result == SQLITE_OK) {
		result = session_run(shop, CLERK_PAY, other, amount);
		amount = -amount;
	}
	if (result == SQLITE_OK)
		result = session_run(shop, CLERK_PAY, account, -amount);
	if (result == SQLITE_OK)
		result = session_run(shop, CLERK_COMMIT, 0, 0);
	return result;
}

/* What is due after so many transactions. */
static int clerk_housekeeping(struct clerk *clerk, uint64_t transactions)
{
	int result = SQLITE_OK;

	if (transactions % CHECKPOINT_EVERY == 0) {
		result = session_run(&clerk->shop, CLERK_FORGET, ORDERS_KEPT,
				     0);
		if (result == SQLITE_OK)
			result = session_run(&clerk->shop, CLERK_CHECKPOINT, 0,
					     0);
	}
	return result;
}

static int clerk_work(struct clerk *clerk, struct workload *workload,
		      double until)
{
	while (!*workload->stop && seconds_now() < until) {
		if (clerk_transaction(clerk) != SQLITE_OK)
			goto shop_failed;
		workload->transactions++;
		if (clerk_housekeeping(clerk, workload->transactions) !=
		    SQLITE_OK)
			goto shop_failed;
		if (workload->transactions % LEDGER_EVERY == 0 &&
		    session_run(&clerk->ledger, LEDGER_ENTER,
				(int64_t)workload->transactions,
				0) != SQLITE_OK) {
			workload_fail(workload, &clerk->ledger);
			return -1;
		}
	}
	return 0;

shop_failed:
	workload_fail(workload, &clerk->shop);
	return -1;
}

struct reporter {
	struct session shop;
	struct workload *workload;
	bool done; /* set by the clerk's thread, atomically */
	uint64_t queries;
	int result;
};

static void *reporter_work(void *context)
{
	struct reporter *reporter = context;
	struct session *shop = &reporter->shop;
	int64_t argument;
	int which;

	pthread_setname_np(pthread_self(), "reporter");
	while (!__atomic_load_n(&reporter->done, __ATOMIC_RELAXED)) {
		which = random_below(shop, REPORTER_STATEMENTS);
		argument = 1 + random_below(shop, ACCOUNTS);
		reporter->result = session_run(shop, which, argument, 0);
		if (reporter->result != SQLITE_OK)
			break;
		reporter->queries++;
		sqlite3_sleep(1);
	}
	return NULL;
}

int workload_run(struct workload *workload)
{
	struct clerk clerk = {0};
	struct reporter reporter = {.workload = workload};
	pthread_t thread;
	double begin;
	int result;

	workload->transactions = 0;
	result = clerk_open(&clerk, workload);
	if (result < 0)
		goto out;
	if (session_open(&reporter.shop, workload->path,
			 "PRAGMA cache_size = 20", reporter_sql,
			 REPORTER_STATEMENTS) != SQLITE_OK) {
		workload_fail(workload, &reporter.shop);
		result = -1;
		goto out;
	}
	if (pthread_create(&thread, NULL, reporter_work, &reporter) != 0) {
		snprintf(workload->error, sizeof(workload->error),
			 "can't start a thread");
		result = -1;
		goto out;
	}
	begin = seconds_now();
	result = clerk_work(&clerk, workload, begin + workload->seconds);
	workload->elapsed = seconds_now() - begin;
	__atomic_store_n(&reporter.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	workload->queries = reporter.queries;
	if (result == 0 && reporter.result != SQLITE_OK) {
		workload_fail(workload, &reporter.shop);
		result = -1;
	}
out:
	session_close(&reporter.shop);
	session_close(&clerk.ledger);
	session_close(&clerk.shop);
	return result;
}
