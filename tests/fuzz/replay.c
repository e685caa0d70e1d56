/* A main for fuzz targets in ordinary builds: runs the target over every file of the folders and files given, and over
 * every prefix and a set of single-byte changes of the small ones, so that the corpus tests its neighbourhood too. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Neighbours of larger inputs would make the replay slow. */
#define NEIGHBOURHOOD_MAX 512

static unsigned long inputs;

/* Every call gets an allocation of exactly its size, so that AddressSanitizer sees a read past the end. */
static void run_copy(const uint8_t *data, size_t size) {
        uint8_t *copy = malloc(size ? size : 1);

        if (!copy)
                abort();
        if (size > 0)
                memcpy(copy, data, size);
        (void)LLVMFuzzerTestOneInput(copy, size);
        free(copy);
        inputs++;
}

static void run_neighbourhood(uint8_t *data, size_t size) {
        static const uint8_t replacements[] = {0, '\n', '"', '\\', 0x80, 0xff};

        for (size_t length = 0; length < size; length++)
                run_copy(data, length);
        for (size_t i = 0; i < size; i++) {
                uint8_t old = data[i];

                for (size_t k = 0; k < sizeof(replacements); k++) {
                        data[i] = replacements[k];
                        run_copy(data, size);
                }
                data[i] = old;
        }
}

static int replay_file(const char *path, size_t size) {
        FILE *file = fopen(path, "rb");
        uint8_t *data = malloc(size + 1);
        int r = 0;

        if (!data)
                abort();
        if (!file || fread(data, 1, size, file) != size) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                r = -1;
        } else {
                run_copy(data, size);
                if (size <= NEIGHBOURHOOD_MAX)
                        run_neighbourhood(data, size);
        }
        if (file)
                (void)fclose(file);
        free(data);
        return r;
}

static int replay(const char *path) {
        struct stat st;
        struct dirent **entries;
        int n, r = 0;

        if (stat(path, &st) < 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return -1;
        }
        if (!S_ISDIR(st.st_mode))
                return replay_file(path, (size_t)st.st_size);

        n = scandir(path, &entries, NULL, alphasort);
        if (n < 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return -1;
        }
        for (int i = 0; i < n; i++) {
                char below[4096];

                if (entries[i]->d_name[0] != '.') {
                        (void)snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
                        if (replay(below) < 0)
                                r = -1;
                }
                free(entries[i]);
        }
        free(entries);
        return r;
}

int main(int argc, char **argv) {
        int r = EXIT_SUCCESS;

        for (int i = 1; i < argc; i++)
                if (replay(argv[i]) < 0)
                        r = EXIT_FAILURE;
        if (inputs == 0) {
                fprintf(stderr, "no input: the corpus is empty\n");
                return EXIT_FAILURE;
        }
        printf("%lu inputs\n", inputs);
        return r;
}
