/* For the tests of the history: a store with questions to it, and the answers. */
#pragma once

#include "history.h"
#include "store_fixture.h"

struct scene {
        struct fixture *fixture;
        struct history *history;
        /* The last answer */
        int error;
        char *error_text;
        struct jval *answer;
};

static inline int scene_setup(void **state) {
        struct scene *scene = NEW(struct scene);
        void *fixture;

        assert_int_equal(fixture_setup(&fixture), 0);
        scene->fixture = fixture;
        assert_int_equal(history_open(&scene->history, scene->fixture->loop, scene->fixture->store, NULL), 0);
        *state = scene;
        return 0;
}

static inline int scene_teardown(void **state) {
        struct scene *scene = *state;
        void *fixture = scene->fixture;

        scene->history = history_close(scene->history);
        (void)jval_unref(scene->answer);
        free(scene->error_text);
        free(scene);
        return fixture_teardown(&fixture);
}

static inline void answered(int error, const char *error_text, struct jval *answer, void *user) {
        struct scene *scene = user;

        (void)jval_unref(scene->answer);
        free(scene->error_text);
        scene->error = error;
        scene->error_text = xstrdup_or_null(error_text);
        scene->answer = answer;
        loop_exit(scene->fixture->loop, 0);
}

static inline struct jval *wait_answer(struct scene *scene, int submitted) {
        assert_int_equal(submitted, 0);
        assert_true(fixture_run(scene->fixture, 10 * USEC_PER_SEC));
        if (scene->error < 0)
                fail_msg("%d %s", scene->error, scene->error_text ? scene->error_text : "");
        return scene->answer;
}

static inline void wait_error(struct scene *scene, int submitted, int expected, const char *text) {
        assert_int_equal(submitted, 0);
        assert_true(fixture_run(scene->fixture, 10 * USEC_PER_SEC));
        assert_int_equal(scene->error, expected);
        if (text)
                assert_non_null(strstr(scene->error_text, text));
}
