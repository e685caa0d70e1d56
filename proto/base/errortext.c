#include "errortext.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "xalloc.h"

int error_set(char **ret, int code, const char *format, ...) {
        va_list arguments;
        char *text = NULL;

        if (!ret)
                return code;
        va_start(arguments, format);
        text = xvasprintf(format, arguments);
        va_end(arguments);
        free(*ret);
        *ret = text;
        return code;
}
