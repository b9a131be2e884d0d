/*
 * Where a VMM would start: may this device's state be loaded into that one?
 *
 *   cc compat-check.c -o compat-check $(pkg-config --cflags --libs libferry)
 *   ./compat-check source.json target.json; echo $?
 */
#include <ferry/compat.h>
#include <stdio.h>

static FerryCompatFacts *
read_facts(const char *path)
{
    static char text[65537]; /* a longer one is malformed */
    FILE *file = fopen(path, "r");
    size_t size = 0;

    if (file == NULL) {
        perror(path);
        return NULL;
    }
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    return ferry_compat_facts_new(text, size);
}

int
main(int argc, char **argv)
{
    FerryCompatFacts *source = argc > 2 ? read_facts(argv[1]) : NULL;
    FerryCompatFacts *target = argc > 2 ? read_facts(argv[2]) : NULL;
    FerryCompatRules *rules = ferry_compat_rules_load(NULL, NULL); /* the system's; NULL is none */
    FerryCompatVerdict *verdict = NULL;
    int code = 2;

    if (source != NULL && target != NULL) {
        verdict = ferry_compat_check(source, target, rules, 0, FERRY_COMPAT_PLAIN);
        puts(ferry_compat_level_name(ferry_compat_verdict_level(verdict)));
        for (size_t i = 0; i < ferry_compat_verdict_n_findings(verdict); i++)
            puts(ferry_compat_finding(verdict, i, FERRY_COMPAT_FINDING_REASON));
        /* Unknown is not yes: whoever goes on with it must have been asked. */
        code = ferry_compat_verdict_level(verdict) <= FERRY_COMPAT_PROVISION ? 0 : 1;
    } else {
        fprintf(stderr, "usage: compat-check SOURCE TARGET\n");
    }
    ferry_compat_verdict_free(verdict);
    ferry_compat_rules_free(rules);
    ferry_compat_facts_free(target);
    ferry_compat_facts_free(source);
    return code;
}
