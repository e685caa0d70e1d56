/* What an output stream can show: whether it is a terminal, how wide, in colours, in Unicode. */
#pragma once

#include <stdbool.h>

struct term {
        int fd;
        bool is_terminal; /* and not TERM=dumb */
        bool colours;     /* a terminal, and NO_COLOR is not set */
        bool unicode;     /* the locale's character set is UTF-8 */
        int columns;
        int rows;
};

enum style {
        STYLE_PLAIN,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GREEN,
        STYLE_YELLOW,
        STYLE_RED,
        STYLE_CYAN,
        STYLE_HEADING,
        _STYLE_MAX,
};

/* Looks at the descriptor and the environment: TERM, NO_COLOR (no-color.org), COLUMNS, LC_ALL, LC_CTYPE, LANG. */
void term_init(struct term *term, int fd);
/* Asks for the size again; cheap. */
void term_measure(struct term *term);
/* The sequence that begins a style, and the one that ends any; "" without colours. */
const char *term_begin(const struct term *term, enum style style);
const char *term_end(const struct term *term, enum style style);
/* The style in which a status or a state is shown everywhere. */
enum style style_of_status(const char *status);
