/* Prints the tables that the documentation is compared with, a row a line, its fields separated by blanks:
 *   method NAME | argument METHOD NAME | kind WORD | key SECTION NAME */
#include <stdio.h>

#include "job_file.h"
#include "macro.h"
#include "methods.h"
#include "web_config.h"

static const char *const sections[] = {"Daemon", "Limit", "Job", "Parameter", "Mode", "Step"};

int main(void) {
        for (int id = 0; id < _METHOD_MAX; id++) {
                const struct method *method = method_by_id((enum method_id)id);

                printf("method %s\n", method->name);
                for (const struct method_argument *argument = method->arguments; argument->name; argument++)
                        printf("argument %s %s\n", method->name, argument->name);
        }
        for (int kind = 0; kind < _ERROR_KIND_MAX; kind++)
                printf("kind %s\n", error_kind_to_string((enum error_kind)kind));
        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                for (const char *const *key = config_section_keys(sections[i]); *key; key++)
                        printf("key %s %s\n", sections[i], *key);
        for (size_t i = 0; i < web_key_table.n_keys; i++)
                printf("key %s %s\n", web_key_table.keys[i].section, web_key_table.keys[i].name);
        return 0;
}
