#include "term.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "macro.h"
#include "strutil.h"

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

/* As setlocale(3) chooses: LC_ALL, else LC_CTYPE, else LANG. The C library's own answer would need the locale's files.
 */
static bool locale_is_utf8(void) {
        static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = getenv(names[i]);
                if (value && value[0] != '\0')
                        return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
        return false;
}

static bool is_set(const char *variable) {
        const char *value = getenv(variable);
        return value && value[0] != '\0';
}

void term_measure(struct term *term) {
        struct winsize size;
        int64_t columns;
        if (ioctl(term->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
                term->columns = size.ws_col;
                term->rows = size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
        } else if (is_set("COLUMNS") && parse_int64_range(getenv("COLUMNS"), 20, 1000, &columns) == 0) {
                term->columns = (int)columns;
        }
}

void term_init(struct term *term, int fd) {
        const char *type = getenv("TERM");
        *term = (struct term){.fd = fd, .columns = COLUMNS_DEFAULT, .rows = ROWS_DEFAULT};
        term->is_terminal = isatty(fd) == 1 && !(type && streq(type, "dumb"));
        term->colours = term->is_terminal && !is_set("NO_COLOR");
        term->unicode = locale_is_utf8();
        term_measure(term);
}

/* ECMA-48's Select Graphic Rendition, the eight colours that every terminal's user has chosen for themselves. */
static const char *const style_sequences[] = {
        [STYLE_PLAIN] = "",          [STYLE_BOLD] = "\033[1m", [STYLE_DIM] = "\033[2m",   [STYLE_GREEN] = "\033[32m",
        [STYLE_YELLOW] = "\033[33m", [STYLE_RED] = "\033[31m", [STYLE_CYAN] = "\033[36m", [STYLE_HEADING] = "\033[1m",
};
static_assert(ELEMENTSOF(style_sequences) == _STYLE_MAX, "a sequence for every style");

const char *term_begin(const struct term *term, enum style style) {
        assert(style < _STYLE_MAX);
        return term->colours ? style_sequences[style] : "";
}

const char *term_end(const struct term *term, enum style style) {
        return term->colours && style != STYLE_PLAIN ? "\033[0m" : "";
}

static const struct {
        const char *status;
        enum style style;
} status_styles[] = {
        {"success", STYLE_GREEN}, {"partial", STYLE_YELLOW}, {"failed", STYLE_RED}, {"cancelled", STYLE_YELLOW},
        {"skipped", STYLE_DIM},   {"running", STYLE_CYAN},   {"queued", STYLE_DIM}, {"pending", STYLE_DIM},
        {"up", STYLE_GREEN},      {"down", STYLE_RED},       {"off", STYLE_DIM},
};

enum style style_of_status(const char *status) {
        for (size_t i = 0; status && i < ELEMENTSOF(status_styles); i++)
                if (streq(status_styles[i].status, status))
                        return status_styles[i].style;
        return STYLE_PLAIN;
}
