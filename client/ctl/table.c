#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

#define GAP 2
#define FLEXIBLE_MIN 12
#define NAME_MIN 20

void table_init(struct table *table, const struct table_column *columns, size_t n_columns) {
        *table = (struct table){.columns = columns, .n_columns = n_columns};
}

void table_done(struct table *table) {
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i].text);
        free(table->cells);
        *table = (struct table){0};
}

char *text_visible(const char *text) {
        _cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 4);
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;
                if (c == '\t')
                        (void)buf_append_char(&out, ' ');
                else if (c < 0x20 || c == 0x7f)
                        (void)buf_appendf(&out, "\\x%02x", c);
                else
                        (void)buf_append_char(&out, *text);
        }
        return buf_steal(&out);
}

void table_add(struct table *table, enum style style, const char *text) {
        GROW(table->cells, table->n_cells, table->cells_size);
        table->cells[table->n_cells++] = (struct table_cell){.text = text_visible(str_or(text, "-")), .style = style};
}

void table_addf(struct table *table, enum style style, const char *format, ...) {
        _cleanup_buf_ struct buf text = BUF_INIT(SIZE_MAX / 4);
        va_list arguments;
        va_start(arguments, format);
        (void)buf_vappendf(&text, format, arguments);
        va_end(arguments);
        table_add(table, style, buf_data(&text));
}

size_t append_cut(struct buf *out, const struct term *term, const char *text, size_t columns) {
        size_t width = utf8_width(text);
        if (width <= columns) {
                (void)buf_append_str(out, text);
                return width;
        }
        const char *ellipsis = term->unicode ? "…" : "...";
        size_t room = columns - MIN(columns, utf8_width(ellipsis)), used = 0;
        size_t len = strlen(text);
        for (size_t i = 0; i < len;) {
                size_t sequence = utf8_sequence_length(text + i, len - i);
                if (sequence == 0)
                        sequence = 1;
                char character[5] = {0};
                memcpy(character, text + i, sequence);
                if (used + utf8_width(character) > room)
                        break;
                used += utf8_width(character);
                (void)buf_append(out, character, sequence);
                i += sequence;
        }
        (void)buf_append_str(out, ellipsis);
        return used + utf8_width(ellipsis);
}

static bool column_is_empty(const struct table *table, size_t column) {
        for (size_t i = column; i < table->n_cells; i += table->n_columns)
                if (table->cells[i].text[0] != '\0' && !streq(table->cells[i].text, "-"))
                        return false;
        return table->n_cells > 0;
}

/* How narrow a column may become before others are left out for it. */
static size_t least_width(const struct table_column *column, size_t width) {
        return column->name       ? MIN(width, (size_t)NAME_MIN)
               : column->flexible ? MIN(width, (size_t)FLEXIBLE_MIN)
                                  : width;
}

/* The column that can best do with less; n_columns when none can. */
static size_t widest_flexible(const struct table *table, const size_t *widths) {
        size_t widest = table->n_columns;
        for (size_t c = 0; c < table->n_columns; c++)
                if (widths[c] > least_width(&table->columns[c], widths[c]) &&
                    (widest == table->n_columns || widths[c] > widths[widest]))
                        widest = c;
        return widest;
}

/* What the columns take in all; with `least`, when they are as narrow as they may become. */
static size_t total_width(const struct table *table, const size_t *widths, unsigned indent, bool least) {
        size_t total = indent;
        for (size_t c = 0; c < table->n_columns; c++)
                if (widths[c] > 0)
                        total += GAP + (least ? least_width(&table->columns[c], widths[c]) : widths[c]);
        return total - MIN(total, (size_t)GAP);
}

static void leave_out(const struct table *table, unsigned indent, size_t available, bool only_optional,
                      size_t *widths) {
        for (size_t c = table->n_columns; c-- > 1 && total_width(table, widths, indent, true) > available;)
                if (only_optional ? table->columns[c].optional : !table->columns[c].name)
                        widths[c] = 0;
}

static void fit(const struct table *table, const struct term *term, unsigned indent, size_t *widths) {
        size_t available = (size_t)term->columns;
        leave_out(table, indent, available, true, widths);
        leave_out(table, indent, available, false, widths);
        while (total_width(table, widths, indent, false) > available) {
                size_t widest = widest_flexible(table, widths);
                if (widest == table->n_columns)
                        return;
                widths[widest]--;
        }
}

/* widths[] of the columns, 0 for those that are left out. */
static void measure(const struct table *table, const struct term *term, unsigned indent, size_t *widths) {
        for (size_t c = 0; c < table->n_columns; c++) {
                widths[c] = 0;
                if (column_is_empty(table, c))
                        continue;
                widths[c] = utf8_width(table->columns[c].title);
                for (size_t i = c; i < table->n_cells; i += table->n_columns)
                        widths[c] = MAX(widths[c], utf8_width(table->cells[i].text));
        }
        if (term->is_terminal)
                fit(table, term, indent, widths);
}

static void append_spaces(struct buf *out, size_t n) {
        (void)buf_appendf(out, "%*s", (int)n, "");
}

static void render_cell(struct buf *out, const struct term *term, const struct table_column *column, size_t width,
                        const char *text, enum style style, size_t *pending) {
        _cleanup_buf_ struct buf cut = BUF_INIT(SIZE_MAX / 4);
        size_t used = append_cut(&cut, term, text, width);
        /* Nothing is written behind the last text of a row. */
        if (cut.len == 0) {
                *pending += width + GAP;
                return;
        }
        append_spaces(out, *pending + (column->right ? width - used : 0));
        (void)buf_appendf(out, "%s%s%s", term_begin(term, style), buf_data(&cut), term_end(term, style));
        *pending = GAP + (column->right ? 0 : width - used);
}

void table_render(const struct table *table, const struct term *term, unsigned indent, struct buf *out) {
        size_t widths[32];
        measure(table, term, indent, widths);
        size_t pending = indent;
        for (size_t c = 0; c < table->n_columns; c++)
                if (widths[c] > 0)
                        render_cell(out, term, &table->columns[c], widths[c], table->columns[c].title, STYLE_HEADING,
                                    &pending);
        (void)buf_append_char(out, '\n');
        for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns) {
                pending = indent;
                for (size_t c = 0; c < table->n_columns; c++)
                        if (widths[c] > 0)
                                render_cell(out, term, &table->columns[c], widths[c], table->cells[i + c].text,
                                            table->cells[i + c].style, &pending);
                (void)buf_append_char(out, '\n');
        }
}
