#include "vfio/pump.h"

#include "vfio/frame.h"

#define MIN_CHUNK 4096u
/* The client of vfio-user may hold answers to reads under way, up to this much, when it settles. */
#define MIN_CHUNKS 4u

void
ferry_pump_report_clear(FerryPumpReport *self)
{
    g_clear_pointer(&self->reasons, g_strfreev);
    g_clear_pointer(&self->devices, g_free);
}

static void
fill_in(uint64_t *value, uint64_t fallback)
{
    if (*value == 0)
        *value = fallback;
}

FerryPumpOptions
ferry_pump_defaults(const FerryPumpOptions *options, size_t n_devices)
{
    FerryPumpOptions all = *options;
    uint64_t room = 0;
    uint64_t chunk = 0;

    fill_in(&all.memory_bytes, 16 << 20);
    fill_in(&all.max_state_bytes, 1ull << 40);
    fill_in(&all.visit.bytes, 8 << 20);
    if (all.visit.ms == 0)
        all.visit.ms = 100;
    if (all.max_downtime_ms == 0)
        all.max_downtime_ms = 300;
    if (all.precopy_ms == 0)
        all.precopy_ms = 60000;
    room = MAX(all.memory_bytes / n_devices / MIN_CHUNKS, MIN_CHUNK);
    chunk = CLAMP(room, MIN_CHUNK, FERRY_FRAME_MAX_DATA);
    if (all.chunk_bytes > 0)
        chunk = CLAMP(all.chunk_bytes, MIN_CHUNK, chunk);
    /* A chunk goes out at once: with a limit it must not hold up what says that the source lives.
     */
    if (all.bandwidth_bps > 0)
        chunk = CLAMP(all.bandwidth_bps / 8, MIN_CHUNK, chunk);
    all.chunk_bytes = (size_t)chunk;
    return all;
}

unsigned
ferry_pump_chunks_each(const FerryPumpOptions *options, size_t n_devices)
{
    uint64_t n = options->memory_bytes / n_devices / options->chunk_bytes;

    return (unsigned)CLAMP(n, 2, 64);
}
