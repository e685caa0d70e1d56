/* Job files that are wrong: each mistake with its line and what would be right; and warnings for what is likely not
 * meant. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "job_file.h"
#include "macro.h"
#include "strutil.h"

/* Each diagnostic as a line, without the path: "3: text". */
static char *diagnose(const char *text) {
        struct source_text source = {.path = "t", .text = text, .len = strlen(text)};
        struct diagnostics diagnostics = {0};
        struct buf out = BUF_INIT(1024 * 1024);
        struct job *job = NULL;
        int r = job_parse(&job, "test", &source, 1, &diagnostics);

        assert_int_equal(r, diagnostics.n_errors > 0 ? -EINVAL : 0);
        assert_int_equal(r == 0, job != NULL);
        for (size_t i = 0; i < diagnostics.count; i++) {
                char *line = diagnostic_to_string(&diagnostics.items[i]);

                (void)buf_appendf(&out, "%s\n", line + 2);
                free(line);
        }
        job_unref(job);
        diagnostics_done(&diagnostics);
        return buf_steal(&out);
}

#define A "[Step a]\nExec=true\n"

static const struct {
        const char *text;
        const char *expected;
} rows[] = {
        {A, ""},
        {"", " the job has no steps; add a [Step NAME] with Exec=\n"},
        /* Sections */
        {"[Step a b]\nExec=true\n",
         "1: \"a b\" is no name for a step; it takes letters, digits, _ - and ., at most 64, "
         "and begins with none of - .\n"},
        {A "[Stepp b]\nExec=x\n", "3: unknown section [Stepp]; did you mean [Step NAME]?\n"},
        {A "[Unit]\nX=y\n",
         "3: unknown section [Unit]; a job file has [Job], [Parameter NAME], [Mode NAME] and [Step NAME]\n"},
        {A "[Job x]\n", "3: [Job] takes no name; the job is named by its file\n"},
        {A "[Step]\n", "3: [Step] has no name; write [Step NAME]\n"},
        {A "[Step a b]\n", "3: \"a b\" is no name for a step; it takes letters, digits, _ - and ., at most 64, and "
                           "begins with none of - .\n"},
        {A "[Step a]\n", "3: section [Step a] is there twice; merge it with that in line 1\n"},
        {"[Job]\n" A "[Job]\n", "4: section [Job] is there twice; merge it with that in line 1\n"},
        {A "[Mode .m]\nSteps=a\n", "3: \".m\" is no name for a mode; it takes letters, digits, _ - and ., at most 64, "
                                   "and begins with none of - .\n"},
        {A "[Parameter a-b]\n", "3: \"a-b\" is no name for a parameter; it takes letters, digits and _, at most 64, "
                                "and does not begin with a digit\n"},
        {A "[Parameter item]\n",
         "3: a parameter cannot be called item: ${item} is a step's item; choose another name\n"},
        {A "[Parameter week]\n[Parameter Week]\n",
         "4: parameters week and Week differ in case alone, but both become BATCH_PARAM_ in capitals; rename one\n"},
        {"Type=x\nType=y\n" A, "1: an assignment before the first section; begin the file with [Job]\n"},
        /* Keys */
        {A "Retires=3\n", "3: unknown key Retires= in [Step]; did you mean Retries=?\n"},
        {A "timeoutsec=3\n", "3: unknown key timeoutsec= in [Step]; did you mean TimeoutSec=?\n"},
        {A "RunTimeoutSec=3\n", "3: RunTimeoutSec= is no key of [Step]; it belongs in [Job]\n"},
        {"[Job]\nExec=x\n" A, "2: Exec= is no key of [Job]; it belongs in [Step]\n"},
        {A "DefaultMod=3\n", "3: unknown key DefaultMod= in [Step]; did you mean DefaultMode= of [Job]?\n"},
        {A "LogLevel=debug\n", "3: LogLevel= is no key of [Step]; it belongs in [Daemon] of batchd.conf\n"},
        {A "Frobnicate=1\n", "3: unknown key Frobnicate= in [Step]; the manual lists those that exist\n"},
        /* Values */
        {"[Job]\nOverlap=maybe\n" A,
         "2: Overlap=: \"maybe\" does not fit; it takes one of reject, queue, replace, allow\n"},
        {"[Job]\nRunTimeoutSec=soon\n" A, "2: RunTimeoutSec=: \"soon\" does not fit; it takes a time span, for example "
                                          "90 (seconds), 10min or 1h 30min, or infinity for none\n"},
        {A "TimeoutSec=0\n",
         "3: TimeoutSec=: \"0\" does not fit; it takes a time span over 0; write infinity for none\n"},
        {A "RetryDelaySec=infinity\n", "3: RetryDelaySec=: \"infinity\" does not fit; it takes a finite time span, for "
                                       "example 5s, 1min 30s or 90 (seconds)\n"},
        {A "Retries=-1\n", "3: Retries=: \"-1\" does not fit; it takes an integer from 0 to 1000\n"},
        {A "Retries=1001\n", "3: Retries=: \"1001\" does not fit; it takes an integer from 0 to 1000\n"},
        {A "RetryBackoff=0.5\n",
         "3: RetryBackoff=: \"0.5\" does not fit; it takes a number from 1 to 100, for example 1.5\n"},
        {A "Critical=maybe\n", "3: Critical=: \"maybe\" does not fit; it takes a boolean: yes or no\n"},
        {A "MemoryMax=lots\n", "3: MemoryMax=: \"lots\" does not fit; it takes a number of bytes over 0, with K, M, G "
                               "or T: for example 512M; or infinity for none\n"},
        {A "CPUQuota=50\n",
         "3: CPUQuota=: \"50\" does not fit; it takes a percentage of one processor, for example 50% or 200%\n"},
        {A "TasksMax=0\n", "3: TasksMax=: \"0\" does not fit; it takes a number over 0, or infinity for none\n"},
        {A "Nice=20\n", "3: Nice=: \"20\" does not fit; it takes an integer from -20 to 19\n"},
        {A "SuccessExitStatus=TEMPFAI\n",
         "3: SuccessExitStatus=: \"TEMPFAI\" is no exit status; did you mean TEMPFAIL?\n"},
        {A "SuccessExitStatus=256 x 5-3\n", "3: SuccessExitStatus=: \"256\" does not fit; it takes exit statuses: "
                                            "numbers from 0 to 255, ranges like 10-12, or names like TEMPFAIL (75)\n"
                                            "3: SuccessExitStatus=: \"5-3\" does not fit; it takes exit statuses: "
                                            "numbers from 0 to 255, ranges like 10-12, or names like TEMPFAIL (75)\n"
                                            "3: SuccessExitStatus=: \"x\" does not fit; it takes exit statuses: "
                                            "numbers from 0 to 255, ranges like 10-12, or names like TEMPFAIL (75)\n"},
        {A "WarnExitStatus=0\n",
         "3: WarnExitStatus=: 0 is plain success; take it out, or let the step exit differently\n"},
        {A "Environment=1A=x\n", "3: Environment=: \"1A=x\" does not fit; it takes NAME=value words, quoted where they "
                                 "have white space: \"NAME=some text\"\n"},
        {A "Environment=\"A=x\n", "3: Environment=: a \" is not closed\n"},
        {"[Job]\nWorkingDirectory=srv\n" A,
         "2: WorkingDirectory=: \"srv\" does not fit; it takes an absolute path, beginning with /\n"},
        {"[Job]\nEnvironmentFile=-env\n" A, "2: EnvironmentFile=: \"-env\" does not fit; it takes absolute paths, each "
                                            "with a - before it when it may be missing\n"},
        /* Commands */
        {"[Step a]\n", "1: [Step a] has no Exec=; write the command that it runs\n"},
        {"[Step a]\nExec=true\nExec=\n", "1: [Step a] has no Exec=; write the command that it runs\n"},
        {"[Step a]\nExec=a ; b\n",
         "2: Exec=: a lone \";\" would join two commands; a step runs one, give each its own [Step]\n"},
        {"[Step a]\nExec=-a\n",
         "2: Exec=: \"-a\" begins with -, which has no meaning here; write the program's name or absolute path\n"},
        {"[Step a]\nExec=bin/a\n", "2: Exec=: \"bin/a\" does not fit; it takes a program by its absolute path, or by a "
                                   "name that is looked up in PATH\n"},
        {"[Step a]\nExec=${week} a\n[Parameter week]\n",
         "2: Exec=: the program itself cannot be a parameter; write its name or absolute path\n"},
        {"[Step a]\nExec=a ${weak}\n[Parameter week]\n", "2: Exec=: ${weak} is no parameter; did you mean ${week}?\n"},
        {"[Step a]\nExec=a \\\n ${x} $${y}\n",
         "2: Exec=: ${x} is no parameter; add [Parameter x], or write $${x} for the text itself\n"},
        {"[Step a]\nExec=a ${item}\n",
         "2: Exec=: ${item} is never set: there are no items; take it out, or write ForEach=\n"},
        /* Items */
        {"[Step a]\nExec=a ${item}\nForEach=x y\nMaxParallel=2\nItemDelaySec=1s\nCondition=test ${item}\n", ""},
        {"[Step a]\nExec=a ${item}\nForEach=!ls ${item}\n",
         "3: ForEach=: ${item} is never set: there are no items; take it out, or write ForEach=\n"},
        {"[Parameter list]\n[Step a]\nExec=a\nForEach=${lst}\n",
         "4: ForEach=: ${lst} is no parameter; did you mean ${list}?\n"},
        {A "ForEach=x\nForEach=!ls\n",
         "4: ForEach=: items are named, or found by one !command; write an empty ForEach= "
         "before to take the other back\n"},
        {A "ForEach=x\nForEach=\nForEach=!ls\n", ""},
        {A "ForEach=!\n",
         "3: ForEach=: there is no command behind \"!\"; write one whose output lines are the items\n"},
        {A "MaxParallel=2\n", "3: MaxParallel= is for steps with items; write ForEach= or take it out\n"},
        {A "ItemDelaySec=2\n", "3: ItemDelaySec= is for steps with items; write ForEach= or take it out\n"},
        {A "ForEach=x\nMaxParallel=0\n", "4: MaxParallel=: \"0\" does not fit; it takes an integer from 1 to 1000\n"},
        {"[Job]\nCondition=test ${item}\n" A,
         "2: Condition=: ${item} is never set: there are no items; take it out, or write ForEach=\n"},
        {"[Job]\nReadyWhen=test ${x}\n" A, "2: ReadyWhen=: ${x} is no parameter; add [Parameter x], or write $${x} for "
                                           "the text itself\n"},
        /* Fallbacks */
        {A "Fallback=b\n[Step b]\nExec=b\n", ""},
        {"[Mode m]\nSteps=a\n" A "Fallback=b\n[Step b]\nExec=b\n", ""},
        {A "ForEach=x\nFallback=b\n[Step b]\nExec=b ${item}\n", ""},
        {A "Fallback=bb\n[Step b]\nExec=b\n", "3: Fallback=: there is no step \"bb\"; did you mean b?\n"},
        {A "Fallback=a\n", "3: Fallback=: step a stands in for itself in the end; name another step, or none\n"},
        {A "Fallback=b\n[Step b]\nExec=b\nFallback=a\n",
         "3: Fallback=: step a stands in for itself in the end; name another step, or none\n"
         "6: Fallback=: step b stands in for itself in the end; name another step, or none\n"},
        {A "Fallback=c\n[Step b]\nExec=b\nFallback=c\n[Step c]\nExec=c\n",
         "6: Fallback=: c is the fallback of a already; give each step one of its own\n"},
        {A "Fallback=b\n[Step b]\nExec=b\nForEach=x\n",
         "3: Fallback=: b has a ForEach= of its own, but runs for the item of a that failed; take it out of [Step b]\n"},
        {A "Fallback=b\n[Step b]\nExec=b\nAfter=a\n",
         "3: Fallback=: b has an After=, but runs when a has failed; take it out of [Step b]\n"},
        {A "Fallback=b\n[Step b]\nExec=b\n[Step c]\nExec=c\nAfter=b\n",
         "8: After=: b is the fallback of a and does not run otherwise; wait for a, which ends with it\n"},
        /* Names of steps and modes */
        {A "After=b\n", "3: After=: there is no step \"b\"; did you mean a?\n"},
        {A "After=everything\n", "3: After=: there is no step \"everything\"; add [Step everything] or take it out\n"},
        {A "After=a\n", "3: After=: step a waits for itself; take it out\n"},
        {A "[Step b]\nExec=x\nAfter=a \\\n a\n", "5: After=: a is named twice; name it once\n"},
        {A "[Mode m]\nSteps=a\nSteps=predictions\n",
         "5: Steps=: there is no step \"predictions\"; add [Step predictions] or take it out\n"},
        {A "[Mode m]\n", "3: [Mode m] has no Steps=; name the steps that it runs, in order\n"},
        {A "After=b\n[Step b]\nExec=x\n",
         " the steps a, b wait for each other; take one of them out of the After= of another\n"},
        {A "After=b\n[Step b]\nExec=x\n[Mode m]\nSteps=a b\n[Mode n]\nSteps=b a\n[Job]\nDefaultMode=n\n",
         "7: [Mode m]: the steps a, b wait for each other; take one of them out of the After= of another\n"},
        {"[Job]\nDefaultMode=x\n" A, "2: DefaultMode=: the job has no modes; take it out or add [Mode x]\n"},
        {"[Job]\nDefaultMode=ful\n[Mode full]\nSteps=a\n" A,
         "2: DefaultMode=: there is no mode \"ful\"; did you mean full?\n"},
        {"[Job]\nDefaultMode=everything\n[Mode full]\nSteps=a\n" A,
         "2: DefaultMode=: there is no mode \"everything\"; name one of full\n"},
        {"[Job]\n[Mode full]\nSteps=a\n[Mode half]\nSteps=a\n" A,
         "1: DefaultMode= is missing in [Job]; name one of full, half\n"},
        /* Parameters */
        {A "[Parameter p]\nType=number\n",
         "4: Type=: \"number\" does not fit; it takes one of string, integer, boolean, date, enum\n"},
        {A "[Parameter p]\nMinimum=1\nMaximum=x\n", "4: Minimum= is for integers; write Type=integer or take it "
                                                    "out\n5: Maximum=: \"x\" does not fit; it takes an integer\n"},
        {A "[Parameter p]\nType=integer\nMinimum=9\nMaximum=1\n",
         "5: Minimum= is greater than Maximum=; no value would fit, exchange them\n"},
        {A "[Parameter p]\nType=integer\nMaximum=18\nDefault=19\n",
         "6: Default=: \"19\" does not fit parameter p; it takes an integer of at most 18\n"},
        {A "[Parameter p]\nType=enum\n", "3: [Parameter p] is an enum without Values=; list the words that it takes\n"},
        {A "[Parameter p]\nValues=a b\n", "4: Values= is for enums; write Type=enum or take it out\n"},
        {A "[Parameter p]\nPattern=[a\n", "4: Pattern= is no usable regular expression (Unmatched [, [^, [:, [., or "
                                          "[=); it takes POSIX extended ones\n"},
        {A "[Parameter p]\nPattern=a)(b\n",
         "4: Pattern= is no usable regular expression (Unmatched ( or \\(); it takes POSIX extended ones\n"},
        {A "[Parameter p]\nPattern=((a{255}){255}){255}\n",
         "4: Pattern= is no usable regular expression (the repetitions multiply to more than 10000); it takes POSIX "
         "extended ones\n"},
        {A "[Parameter p]\nType=date\nPattern=x\n", "5: Pattern= is for strings; write Type=string or take it out\n"},
        {A "[Parameter p]\nType=date\nDefault=today\n",
         "5: Default=: \"today\" does not fit parameter p; it takes a date: YYYY-MM-DD\n"},
        /* All at once, in the order of the lines; the line is the first of a continued one. */
        {"[Job]\nX=1\nnothing\n[Step a]\nExec=a \\\n  b \\\n  ${c}\nRetries=x\n",
         "2: unknown key X= in [Job]; the manual lists those that exist\n3: \"nothing\" has no \"=\"; write Key=value\n"
         "5: Exec=: ${c} is no parameter; add [Parameter c], or write $${c} for the text itself\n"
         "8: Retries=: \"x\" does not fit; it takes an integer from 0 to 1000\n"},
        /* Warnings */
        {A "Retries=1\nRetries=2\n", "4: warning: Retries= is there twice; the value in line 3 does not count\n"},
        {"[Job]\nRunTimeoutSec=30min\n" A "TimeoutSec=10min\nRetries=3\n",
         "5: warning: step a may take 40min 35s with its 3 retries, but RunTimeoutSec ends the run after 30min; make "
         "the one shorter or the other longer\n"},
        {"[Job]\nRunTimeoutSec=41min\n" A "TimeoutSec=10min\nRetries=3\n", ""},
        {A "HeartbeatSec=5min\nTimeoutSec=1min\n",
         "3: warning: HeartbeatSec= is not shorter than TimeoutSec=: it never takes effect; make it shorter\n"},
        {A "HeartbeatAction=kill\n",
         "3: warning: HeartbeatAction= without HeartbeatSec= does nothing; say after how long\n"},
        {A "RetryBackoff=3\n", "3: warning: RetryBackoff= without Retries= does nothing; say how often\n"},
        {A "Retries=1\nRetryDelaySec=1h\n",
         "4: warning: RetryDelaySec= is longer than RetryMaxDelaySec=, which counts; raise that\n"},
        {A "Retries=1\nRetryExitStatus=0\n",
         "4: warning: RetryExitStatus= names a status that is success, which is never tried again; take it out\n"},
        {A "SuccessExitStatus=3\nWarnExitStatus=3\n",
         "4: warning: WarnExitStatus= and SuccessExitStatus= name the same status; the warning counts\n"},
        {"[Mode m]\nSteps=a\n" A "[Step b]\nExec=x\n",
         "5: warning: step b is in no mode and never runs; add it to the Steps= of one\n"},
        {A "[Parameter p]\nRequired=yes\nDefault=x\n",
         "5: warning: Default= is never used with Required=yes; take one of them out\n"},
        {"[Step a]\nExec=a --api-key=abc\n", "2: warning: Exec=: argument 1 looks like a secret (key): every user of "
                                             "the machine can read it; use LoadCredential= and a file\n"},
        {"[Step a]\nExec=a PASSWORD=x\n", "2: warning: Exec=: argument 1 looks like a secret (password): every user of "
                                          "the machine can read it; use LoadCredential= and a file\n"},
        {"[Step a]\nExec=a postgres://u:pw@host/db\n",
         "2: warning: Exec=: argument 1 looks like a secret (a password in a URL): every user of the machine can read "
         "it; use LoadCredential= and a file\n"},
        {"[Step a]\nExec=a --monkey=1 --key= http://host:80/a@b key\n", ""},
        {A "Environment=API_TOKEN=abc\n", "3: warning: Environment=: API_TOKEN looks like a secret (token): all who "
                                          "may read the file can read it; use LoadCredential=\n"},
        {"[Step a]\nExec=a b | c\n",
         "2: warning: Exec=: | is passed to the program as it is, there is no shell; write sh -c '...' for one\n"},
        {"[Parameter w]\n[Step a]\nExec=a --week ${w}\n",
         "3: warning: Exec=: ${w} disappears when it is open and leaves --week behind; write --week=${w}\n"},
        {"[Parameter w]\nDefault=1\n[Step a]\nExec=a --week ${w}\n", ""},
        {"[Parameter w]\n[Step a]\nExec=a --week=${w}\n", ""},
};

static void test_rows(void **state) {
        unsigned n_wrong = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *found = diagnose(rows[i].text);

                if (!streq(found, rows[i].expected)) {
                        fprintf(stderr, "row %zu:\n%s\nexpected:\n%s\nis:\n%s\n", i, rows[i].text, rows[i].expected,
                                found);
                        n_wrong++;
                }
                free(found);
        }
        assert_int_equal(n_wrong, 0);
}

static void test_dropin_is_named(void **state) {
        struct source_text sources[] = {
                {.path = "t.job", .text = A, .len = strlen(A)},
                {.path = "t.job.d/10.conf", .text = "[Step a]\nAfter=b\n[Step a]\n", .len = 26},
        };
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;
        char *line;

        assert_int_equal(job_parse(&job, "test", sources, 2, &diagnostics), -EINVAL);
        assert_int_equal(diagnostics.n_errors, 2);
        line = diagnostic_to_string(&diagnostics.items[0]);
        assert_string_equal(line, "t.job.d/10.conf:2: After=: there is no step \"b\"; did you mean a?");
        free(line);
        line = diagnostic_to_string(&diagnostics.items[1]);
        assert_string_equal(line, "t.job.d/10.conf:3: section [Step a] is there twice; merge it with that in line 1");
        free(line);
        diagnostics_done(&diagnostics);
}

static void test_name_of_the_job(void **state) {
        struct source_text source = {.path = "a b.job", .text = A, .len = strlen(A)};
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        assert_int_equal(job_parse(&job, "a b", &source, 1, &diagnostics), -EINVAL);
        assert_string_equal(
                diagnostics.items[0].text,
                "\"a b\" is no name for a job; a file NAME.job takes letters, digits, _ - and . in NAME, at most 64");
        diagnostics_done(&diagnostics);
}

/* Thousands of sections, words and mistakes are refused, not stored. */
static void test_caps(void **state) {
        struct buf text = BUF_INIT(1024 * 1024);
        struct diagnostics diagnostics = {0};
        struct source_text source = {.path = "t"};
        struct job *job = NULL;

        for (unsigned i = 0; i < 5000; i++)
                (void)buf_appendf(&text, "[Step s%u]\nExec=a ${x} ${y} ${z}\n", i);
        (void)buf_appendf(&text, "[Mode m]\nSteps=");
        for (unsigned i = 0; i < 5000; i++)
                (void)buf_appendf(&text, "s%u ", i);
        source.text = buf_data(&text);
        source.len = text.len;
        assert_int_equal(job_parse(&job, "test", &source, 1, &diagnostics), -EINVAL);
        assert_int_equal(diagnostics.count, 1000);
        /* That there are too many sections is said once. */
        assert_int_equal(diagnostics.n_errors, 500 * 3 + 1 + 2);
        diagnostics_done(&diagnostics);
        buf_done(&text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_dropin_is_named),
                cmocka_unit_test(test_name_of_the_job),
                cmocka_unit_test(test_caps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
