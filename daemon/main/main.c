#include <stdio.h>
#include <stdlib.h>

#include "calendar_command.h"
#include "check.h"
#include "daemon.h"
#include "options.h"
#include "strutil.h"

/* sysexits.h: so that RestartPreventExitStatus=78 keeps a broken configuration from being tried for ever. */
#define EXIT_CONFIGURATION 78

int main(int argc, char **argv) {
        struct options options;
        struct diagnostics diagnostics = {0};
        struct settings settings = {0};
        int r;

        if (argc > 1 && streq(argv[1], "calendar"))
                return calendar_command(argc - 1, argv + 1);
        options = options_parse(argc, argv);
        if (options.action == ACTION_EXIT)
                return options.exit_status;
        if (options.action == ACTION_CHECK)
                return options.files ? check_files(options.files, options.json)
                                     : check_everything(options.config_file, options.json);
        r = settings_load(&settings, options.config_file, &diagnostics);
        for (size_t i = 0; i < diagnostics.count; i++) {
                _cleanup_free_ char *text = diagnostic_to_string(&diagnostics.items[i]);

                (void)fprintf(stderr, "batchd: %s\n", text);
        }
        diagnostics_done(&diagnostics);
        if (r < 0)
                return EXIT_CONFIGURATION;
        r = daemon_run(options.config_file, &settings, options.action == ACTION_AFTER_STOP);
        settings_done(&settings);
        return r;
}
