/* SPDX-License-Identifier: MIT */
/* Aligned columns: cells are kept until all widths are known. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cell {
	char *text;
	size_t size;
	size_t width; /* columns on a terminal */
	enum tw_style style;
};

struct tw_table {
	const struct tw_column *columns;
	size_t column_count;
	struct cell *cells;
	size_t count;
	size_t room;
	bool failed;
};

struct tw_table *tw_table_create(const struct tw_column *columns, size_t count)
{
	struct tw_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->column_count = count;
	return table;
}

void tw_table_destroy(struct tw_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

/* Code points; what is wider than one column is a rarity in these tables. */
static size_t text_width(const char *text, size_t size)
{
	size_t width = 0;

	for (size_t i = 0; i < size; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

static struct cell *new_cell(struct tw_table *table)
{
	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		struct cell *cells = realloc(table->cells,
					     room * sizeof(*cells));

		if (!cells)
			return NULL;
		table->cells = cells;
		table->room = room;
	}
	return &table->cells[table->count];
}

void tw_table_add(struct tw_table *table, enum tw_style style,
		  const char *format, ...)
{
	struct cell *cell = new_cell(table);
	struct tw_text text = {0};
	char *plain = NULL;
	va_list args;

	va_start(args, format);
	if (!cell || vasprintf(&plain, format, args) < 0) {
		table->failed = true;
	} else {
		tw_text_add_escaped(&text, plain, strlen(plain));
		table->failed |= text.failed;
		*cell = (struct cell){text.data, text.size,
				      text_width(text.data, text.size), style};
		table->count++;
		free(plain);
	}
	va_end(args);
}

static void measure(const struct tw_table *table, size_t *widths)
{
	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = strlen(table->columns[i].title);
	for (size_t i = 0; i < table->count; i++) {
		size_t *width = &widths[i % table->column_count];

		if (table->cells[i].width > *width)
			*width = table->cells[i].width;
	}
}

static void add_blanks(struct tw_text *text, size_t count)
{
	char *out = tw_text_reserve(text, count);

	if (!out)
		return;
	memset(out, ' ', count);
	text->size += count;
}

static void add_cell(struct tw_text *text, const struct tw_table *table,
		     const struct cell *cell, size_t column, size_t width)
{
	bool is_right = table->columns[column].right;
	bool is_last = column + 1 == table->column_count;
	bool is_styled = cell->style != TW_STYLE_PLAIN && cell->size;

	if (is_right)
		add_blanks(text, width - cell->width);
	if (is_styled)
		tw_text_add_string(text, tw_style(cell->style));
	tw_text_add(text, cell->text, cell->size);
	if (is_styled)
		tw_text_add_string(text, tw_style(TW_STYLE_PLAIN));
	if (!is_right && !is_last)
		add_blanks(text, width - cell->width);
	tw_text_add_string(text, is_last ? "\n" : "  ");
}

bool tw_table_print(const struct tw_table *table)
{
	size_t *widths = calloc(table->column_count, sizeof(*widths));
	struct tw_text text = {0};
	bool has_memory;

	if (!widths || table->failed) {
		free(widths);
		return false;
	}
	measure(table, widths);
	for (size_t i = 0; i < table->column_count; i++) {
		const char *title = table->columns[i].title;
		struct cell cell = {(char *)(uintptr_t)title, strlen(title),
				    strlen(title), TW_STYLE_BOLD};

		add_cell(&text, table, &cell, i, widths[i]);
	}
	for (size_t i = 0; i < table->count; i++)
		add_cell(&text, table, &table->cells[i],
			 i % table->column_count,
			 widths[i % table->column_count]);
	has_memory = !text.failed;
	if (has_memory)
		tw_output_text(&text);
	free(text.data);
	free(widths);
	return has_memory;
}
