/* Aligned columns of text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "term.h"

struct table_column {
        const char *title;
        bool right;    /* numbers */
        bool flexible; /* cut, with an ellipsis, when a terminal is too narrow */
        bool optional; /* left out when that is not enough, the last such column first; then the last of any kind */
        bool name;     /* tells what the row is of: cut when it is long, and never left out */
};

struct table_cell {
        char *text;
        enum style style;
};

struct table {
        const struct table_column *columns;
        size_t n_columns;
        struct table_cell *cells; /* row by row */
        size_t n_cells;
        size_t cells_size;
};

/* columns must outlive the table. */
void table_init(struct table *table, const struct table_column *columns, size_t n_columns);
void table_done(struct table *table);
#define _cleanup_table_ _cleanup_(table_done)

/* The next cell; text is copied, NULL is shown as "-". Control characters in it are made visible. */
void table_add(struct table *table, enum style style, const char *text);
void table_addf(struct table *table, enum style style, const char *format, ...) PRINTF_LIKE(3, 4);
/* Titles, then the rows. A column that is empty in every row is left out. */
void table_render(const struct table *table, const struct term *term, unsigned indent, struct buf *out);

/* Appends text cut to so many columns of a terminal, the ellipsis included; returns the columns used. */
size_t append_cut(struct buf *out, const struct term *term, const char *text, size_t columns);
/* Text with its control characters as \xHH, so that nobody's output moves the cursor. A tab becomes a space. New
 * string. */
char *text_visible(const char *text);
