/* libFuzzer target: any bytes as a JSON body, and as a stream of server-sent events.  What parses
 * must come back the same from what is written of it, and an event is never longer than allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/event-parser.h"
#include "client/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *again = NULL;

    g_assert_true(ferry_json_parse(text, strlen(text), &again, NULL));
    /* Not the value itself: a real number is written with fewer digits than it may have. */
    g_assert_cmpint(json_typeof(again), ==, json_typeof(value));
    json_decref(again);
    free(text);
}

static bool
on_event(void *data, const char *name, const char *text)
{
    unsigned *left = data;

    g_assert_cmpuint(strlen(name) + strlen(text), <=, 2 * FERRY_EVENT_MAX_BYTES);
    return --*left > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned left = 100;
    g_autoptr(FerryEventParser) parser = ferry_event_parser_new(on_event, &left);
    json_t *value = NULL;

    if (ferry_json_parse((const char *)data, size, &value, NULL)) {
        check_round_trip(value);
        json_decref(value);
    }
    if (ferry_event_parser_feed(parser, (const char *)data, size / 2, NULL))
        (void)ferry_event_parser_feed(parser, (const char *)data + size / 2, size - size / 2, NULL);
    return 0;
}
