#include "pump-pair.h"

#include <pthread.h>
#include <sys/socket.h>

#include "sim/transport.h"

void
pump_pair_init(PumpPair *pair, const SimOptions *options, size_t n_devices, size_t n_channels)
{
    *pair = (PumpPair){ .n_devices = n_devices, .n_channels = n_channels };
    for (size_t i = 0; i < n_devices; i++) {
        pair->a_sims[i] = sim_device_new(options);
        pair->b_sims[i] = sim_device_new(options);
        pair->a[i] = ferry_vfio_device_new(sim_transport_new(pair->a_sims[i], "a"), NULL);
        pair->b[i] = ferry_vfio_device_new(sim_transport_new(pair->b_sims[i], "b"), NULL);
        sim_device_work(pair->a_sims[i], 0x5151 + i, 2);
    }
    for (size_t i = 0; i < n_channels; i++) {
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        pair->a_channels[i] =
            ferry_channel_new_fd(fds[0], FERRY_CHANNEL_TWO_WAY, "the target", 3000);
        pair->b_channels[i] =
            ferry_channel_new_fd(fds[1], FERRY_CHANNEL_TWO_WAY, "the source", 3000);
    }
}

void
pump_pair_clear(PumpPair *pair)
{
    for (size_t i = 0; i < pair->n_devices; i++) {
        ferry_vfio_device_free(pair->a[i]);
        ferry_vfio_device_free(pair->b[i]);
        sim_device_free(pair->a_sims[i]);
        sim_device_free(pair->b_sims[i]);
    }
    for (size_t i = 0; i < pair->n_channels; i++) {
        ferry_channel_free(pair->a_channels[i]);
        ferry_channel_free(pair->b_channels[i]);
    }
    ferry_pump_report_clear(&pair->sent);
    ferry_pump_report_clear(&pair->received);
    g_clear_error(&pair->send_error);
    g_clear_error(&pair->receive_error);
}

static bool
check_meta(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    const PumpPair *pair = data;

    (void)device;
    (void)error;
    g_assert_cmpstr(meta, ==, "{\"test\":1}");
    if (pair->refuse != NULL)
        g_ptr_array_add(reasons, g_strdup(pair->refuse));
    return true;
}

static void *
receive_thread(void *data)
{
    PumpPair *pair = data;

    (void)ferry_pump_receive(pair->b, pair->n_devices, pair->b_channels, pair->n_channels,
                             check_meta, pair, &pair->options, &pair->received,
                             &pair->receive_error);
    return NULL;
}

void
pump_pair_run(PumpPair *pair)
{
    const char *metas[PUMP_PAIR_DEVICES] = { "{\"test\":1}", "{\"test\":1}", "{\"test\":1}" };
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, receive_thread, pair), ==, 0);
    (void)ferry_pump_send(pair->a, metas, pair->n_devices, pair->a_channels, pair->n_channels,
                          &pair->options, &pair->sent, &pair->send_error);
    for (size_t i = 0; i < pair->n_channels; i++)
        g_clear_pointer(&pair->a_channels[i], ferry_channel_free);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

void
pump_pair_assert_arrived(const PumpPair *pair)
{
    g_assert_no_error(pair->send_error);
    g_assert_no_error(pair->receive_error);
    g_assert_cmpint(pair->sent.outcome, ==, FERRY_PUMP_DONE);
    g_assert_cmpint(pair->received.outcome, ==, FERRY_PUMP_DONE);
    for (size_t i = 0; i < pair->n_devices; i++) {
        g_assert_cmpint(sim_device_state(pair->a_sims[i]), ==, FERRY_MIG_STATE_STOP);
        g_assert_cmpint(sim_device_state(pair->b_sims[i]), ==, FERRY_MIG_STATE_RUNNING);
        g_assert_cmpuint(sim_device_digest(pair->a_sims[i]), ==,
                         sim_device_digest(pair->b_sims[i]));
        g_assert_cmpuint(sim_device_register(pair->b_sims[i]), ==, 0x5151 + i);
    }
}
