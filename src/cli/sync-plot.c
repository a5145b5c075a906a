/* SPDX-License-Identifier: MIT */
/*
 * The width of bounds over time as SVG, drawn by hand: a frame, a few lines
 * with numbers, and one line an epoch. Widths are on a logarithmic scale, since
 * those between two epochs are far larger than the rest. Numbers only, so that
 * nothing of what a guest says is in the file.
 */
#include "sync-plot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define WIDTH 800
#define HEIGHT 400
#define LEFT 80
#define RIGHT 20
#define TOP 40
#define BOTTOM 50
#define TIME_LINES 5

/* What the picture shows: all of the time, and decades of widths. */
struct scale {
	uint64_t from, to; /* ns */
	uint32_t low, high;
};

/* 10^exponent, of those that 64 bits hold. */
static uint64_t power(uint32_t exponent)
{
	uint64_t value = 1;

	while (exponent--)
		value *= 10;
	return value;
}

static struct scale make_scale(const struct tw_sync_point *points, size_t count)
{
	struct scale scale = {0, 1, 0, 1};
	uint64_t min = UINT64_MAX, max = 1;

	for (size_t i = 0; i < count; i++) {
		min = points[i].width < min ? points[i].width : min;
		max = points[i].width > max ? points[i].width : max;
	}
	if (count) {
		scale.from = points[0].t;
		scale.to = points[count - 1].t;
	}
	if (scale.to <= scale.from)
		scale.to = scale.from + 1;
	while (scale.low < 18 && power(scale.low + 1) <= min)
		scale.low++;
	scale.high = scale.low + 1;
	while (scale.high < 19 && power(scale.high) < max)
		scale.high++;
	return scale;
}

static double x_of(const struct scale *scale, uint64_t t)
{
	return LEFT + (double)(t - scale->from) /
			      (double)(scale->to - scale->from) *
			      (WIDTH - LEFT - RIGHT);
}

/* Within a decade in a straight line: no need for a logarithm of anything. */
static double y_of(const struct scale *scale, uint64_t width)
{
	const double step = (double)(HEIGHT - TOP - BOTTOM) /
			    (scale->high - scale->low);
	uint32_t decade = scale->low;

	while (decade + 1 < scale->high && power(decade + 1) <= width)
		decade++;
	return HEIGHT - BOTTOM -
	       step * (decade - scale->low +
		       ((double)width / (double)power(decade) - 1) / 9);
}

static void draw_frame(FILE *file, const struct scale *scale)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};

	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"24\">Width of the bounds of an event's "
		"time</text>\n",
		WIDTH, HEIGHT, LEFT);
	for (uint32_t i = scale->low; i <= scale->high; i++) {
		const double y = y_of(scale, power(i));
		const uint32_t unit = i / 3 < 3 ? i / 3 : 3;

		fprintf(file,
			"<path d=\"M%d %.1fH%d\" stroke=\"#ccc\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">"
			"%" PRIu64 " %s</text>\n",
			LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4,
			power(i - unit * 3), units[unit]);
	}
	for (int i = 0; i <= TIME_LINES; i++) {
		const uint64_t after = (scale->to - scale->from) / TIME_LINES *
				       (uint64_t)i;
		const double x = x_of(scale, scale->from + after);

		fprintf(file,
			"<path d=\"M%.1f %dV%d\" stroke=\"#ccc\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">"
			"%.3f s</text>\n",
			x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 20,
			(double)after / 1e9);
	}
}

static void draw_line(FILE *file, const struct scale *scale,
		      const struct tw_sync_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct tw_sync_point *point = &points[i];
		const int is_first = i == 0 || point->epoch != point[-1].epoch;

		fprintf(file, "%s%c%.1f %.1f",
			i == 0 ? "<path fill=\"none\" stroke=\"#05c\" d=\""
			       : "\n",
			is_first ? 'M' : 'L', x_of(scale, point->t),
			y_of(scale, point->width));
	}
	fputs(count ? "\"/>\n</svg>\n" : "</svg>\n", file);
}

int tw_sync_plot(const char *path, const struct tw_sync_point *points,
		 size_t count)
{
	const struct scale scale = make_scale(points, count);
	FILE *file = fopen(path, "we");
	int err = 0;

	if (!file)
		return -errno;
	draw_frame(file, &scale);
	draw_line(file, &scale, points, count);
	if (ferror(file))
		err = -EIO;
	if (fclose(file) && !err)
		err = errno ? -errno : -EIO;
	return err;
}
