/* libFuzzer target: any bytes as a rule file.  A broken one must never make a verdict better, and
 * device_api must stay beyond all rules. */
#include <string.h>

#include "compat/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char source_text[] =
    "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"nvidia-105\",\"driver\":\"nvidia\","
    "\"driver_version\":\"550.90.05\",\"kernel\":\"6.1\",\"attributes\":{\"aggregator\":2,"
    "\"pv_mode\":[\"none\",\"ppgtt\"],\"prof\":\"a\"}}";
static const char target_text[] =
    "{\"format\":1,\"device_api\":\"vfio-ccw\",\"mdev_type\":\"nvidia-105\",\"driver\":\"nvidia\","
    "\"driver_version\":\"550.10\",\"kernel\":\"6.2\",\"version\":\"0.2\",\"attributes\":{"
    "\"aggregator\":1,\"pv_mode\":[\"none\"],\"prof\":\"b\"}}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(FerryRules) rules = NULL;
    g_autoptr(FerryFacts) source = ferry_facts_parse(source_text, strlen(source_text));
    g_autoptr(FerryFacts) target = ferry_facts_parse(target_text, strlen(target_text));
    FerryCheckOptions options = { .flags = FERRY_CHECK_EXPLAIN };
    g_autoptr(FerryVerdict) verdict = NULL;
    g_autoptr(FerryVerdict) self = NULL;

    g_ptr_array_add(files, ferry_rule_file_new(0, "50-fuzz.json", (const char *)data, size));
    rules = ferry_rules_new(files);
    options.rules = rules;
    verdict = ferry_check(source, target, &options);
    g_assert_true(verdict->level >= FERRY_VERDICT_NO);
    self = ferry_check(source, source, &options);
    g_assert_true(self->level <= FERRY_VERDICT_NO);
    return 0;
}
