#include "migrate/flow.h"

#include <glib.h>

#include "message.h"

/* Verdicts by procedure: the test's messages say what shall become of them. */
enum { PASS = 10, HOLD, DROP, STOP };

static FerryFlowVerdict
judge(void *data, const FerryRpcHeader *header)
{
    unsigned *asked = data;

    (*asked)++;
    return (FerryFlowVerdict)(FERRY_FLOW_PASS + header->procedure - PASS);
}

typedef struct {
    unsigned asked;
    FerryFlow *flow;
    GByteArray *input, *expected;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->asked = 0;
    fixture->flow = ferry_flow_new(judge, &fixture->asked);
    fixture->input = g_byte_array_new();
    fixture->expected = g_byte_array_new();
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    ferry_flow_free(fixture->flow);
    g_byte_array_unref(fixture->input);
    g_byte_array_unref(fixture->expected);
}

static void
add(GByteArray *array, uint32_t procedure, const char *payload)
{
    Message added = message(REMOTE, procedure, 1, 0, payload);

    g_byte_array_append(array, added.bytes, (guint)added.n);
}

static void
assert_pending(Fixture *fixture, const GByteArray *expected)
{
    size_t n = 0;
    const uint8_t *bytes = ferry_flow_pending(fixture->flow, &n);

    g_assert_cmpmem(bytes, (int)n, expected->data, expected->len);
}

/* Two messages that pass around one that is dropped and one that is held, cut at every byte. */
static void
test_split_anywhere(Fixture *fixture, gconstpointer data)
{
    (void)data;
    add(fixture->input, PASS, "first");
    add(fixture->input, HOLD, "kept back");
    add(fixture->input, DROP, "nobody sees it");
    add(fixture->input, PASS, "");
    add(fixture->expected, PASS, "first");
    add(fixture->expected, PASS, "");
    add(fixture->expected, HOLD, "kept back");
    for (guint cut = 0; cut <= fixture->input->len; cut++) {
        unsigned asked = 0;
        g_autoptr(FerryFlow) flow = ferry_flow_new(judge, &asked);
        size_t n = 0;
        const uint8_t *bytes = NULL;

        ferry_flow_feed(flow, fixture->input->data, cut);
        ferry_flow_feed(flow, fixture->input->data + cut, fixture->input->len - cut);
        g_assert_cmpuint(asked, ==, 4);
        g_assert_true(ferry_flow_has_held(flow));
        g_assert_true(ferry_flow_release(flow));
        bytes = ferry_flow_pending(flow, &n);
        g_assert_cmpmem(bytes, (int)n, fixture->expected->data, fixture->expected->len);
    }
}

/* A judge may ask what is held already: the answer is of the messages before. */
static FerryFlowVerdict
judge_holding_one(void *data, const FerryRpcHeader *header)
{
    FerryFlow **flow = data;

    (void)header;
    return ferry_flow_has_held(*flow) ? FERRY_FLOW_DROP : FERRY_FLOW_HOLD;
}

static void
test_judge_sees_what_is_held(void)
{
    FerryFlow *flow = NULL;
    Message first = message(REMOTE, 1, 1, 0, "first");
    Message second = message(REMOTE, 1, 1, 0, "second");
    size_t n = 0;
    const uint8_t *bytes = NULL;

    flow = ferry_flow_new(judge_holding_one, &flow);
    ferry_flow_feed(flow, first.bytes, first.n);
    ferry_flow_feed(flow, second.bytes, second.n);
    g_assert_true(ferry_flow_release(flow));
    bytes = ferry_flow_pending(flow, &n);
    g_assert_cmpmem(bytes, (int)n, first.bytes, (int)first.n);
    ferry_flow_free(flow);
}

static void
test_byte_by_byte(Fixture *fixture, gconstpointer data)
{
    (void)data;
    add(fixture->input, PASS, "one");
    add(fixture->input, PASS, "two");
    for (guint i = 0; i < fixture->input->len; i++)
        ferry_flow_feed(fixture->flow, fixture->input->data + i, 1);
    assert_pending(fixture, fixture->input);
}

/* Payload goes on before the message is whole: a large one needs no large buffer. */
static void
test_payload_is_streamed(Fixture *fixture, gconstpointer data)
{
    size_t n = 0;

    (void)data;
    add(fixture->input, PASS, "0123456789");
    ferry_flow_feed(fixture->flow, fixture->input->data, FERRY_RPC_HEADER_BYTES - 1);
    (void)ferry_flow_pending(fixture->flow, &n);
    g_assert_cmpuint(n, ==, 0);
    ferry_flow_feed(fixture->flow, fixture->input->data + FERRY_RPC_HEADER_BYTES - 1, 4);
    (void)ferry_flow_pending(fixture->flow, &n);
    g_assert_cmpuint(n, ==, FERRY_RPC_HEADER_BYTES + 3);
}

static void
test_consume_in_parts(Fixture *fixture, gconstpointer data)
{
    size_t n = 0;

    (void)data;
    add(fixture->input, PASS, "payload");
    ferry_flow_feed(fixture->flow, fixture->input->data, fixture->input->len);
    ferry_flow_consume(fixture->flow, 30);
    g_byte_array_append(fixture->expected, fixture->input->data + 30, fixture->input->len - 30);
    assert_pending(fixture, fixture->expected);
    ferry_flow_feed(fixture->flow, fixture->input->data, fixture->input->len);
    g_byte_array_append(fixture->expected, fixture->input->data, fixture->input->len);
    assert_pending(fixture, fixture->expected);
    ferry_flow_consume(fixture->flow, fixture->expected->len);
    (void)ferry_flow_pending(fixture->flow, &n);
    g_assert_cmpuint(n, ==, 0);
}

static void
test_half_a_held_message(Fixture *fixture, gconstpointer data)
{
    (void)data;
    add(fixture->input, HOLD, "kept back");
    g_assert_false(ferry_flow_release(fixture->flow));
    ferry_flow_feed(fixture->flow, fixture->input->data, fixture->input->len - 1);
    g_assert_false(ferry_flow_has_held(fixture->flow));
    g_assert_false(ferry_flow_release(fixture->flow));
    ferry_flow_feed(fixture->flow, fixture->input->data + fixture->input->len - 1, 1);
    g_assert_true(ferry_flow_release(fixture->flow));
    assert_pending(fixture, fixture->input);
    g_assert_false(ferry_flow_release(fixture->flow));
    g_assert_false(ferry_flow_has_held(fixture->flow));
}

/* A released message must not land in the middle of another one. */
static void
test_release_waits_for_a_boundary(Fixture *fixture, gconstpointer data)
{
    guint half = 0;

    (void)data;
    add(fixture->input, HOLD, "kept back");
    half = fixture->input->len + FERRY_RPC_HEADER_BYTES + 2;
    add(fixture->input, PASS, "passes");
    ferry_flow_feed(fixture->flow, fixture->input->data, half);
    g_assert_false(ferry_flow_release(fixture->flow));
    ferry_flow_feed(fixture->flow, fixture->input->data + half, fixture->input->len - half);
    g_assert_true(ferry_flow_release(fixture->flow));
    add(fixture->expected, PASS, "passes");
    add(fixture->expected, HOLD, "kept back");
    assert_pending(fixture, fixture->expected);
}

static void
test_stop_takes_nothing_more(Fixture *fixture, gconstpointer data)
{
    (void)data;
    add(fixture->input, PASS, "before");
    add(fixture->expected, PASS, "before");
    add(fixture->input, STOP, "the breach");
    add(fixture->input, PASS, "after");
    ferry_flow_feed(fixture->flow, fixture->input->data, fixture->input->len);
    ferry_flow_feed(fixture->flow, fixture->input->data, fixture->input->len);
    g_assert_true(ferry_flow_is_stopped(fixture->flow));
    assert_pending(fixture, fixture->expected);
    g_assert_cmpuint(fixture->asked, ==, 2);
}

#define ADD(name, func) g_test_add("/flow/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("split-anywhere", test_split_anywhere);
    g_test_add_func("/flow/judge-sees-what-is-held", test_judge_sees_what_is_held);
    ADD("byte-by-byte", test_byte_by_byte);
    ADD("payload-is-streamed", test_payload_is_streamed);
    ADD("consume-in-parts", test_consume_in_parts);
    ADD("half-a-held-message", test_half_a_held_message);
    ADD("release-waits-for-a-boundary", test_release_waits_for_a_boundary);
    ADD("stop-takes-nothing-more", test_stop_takes_nothing_more);
    return g_test_run();
}
