#include "sim/commands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sim/transport.h"
#include "vfio/uapi.h"

#define MINOR     1
#define N_REGIONS 9
#define N_IRQS    5

static SimOutcome
from_answer(const SimAnswer *answer, size_t n)
{
    if (answer->stall) /* for as long as any client's patience in a test */
        (void)poll(NULL, 0, 3000);
    return (SimOutcome){ .n = n, .code = answer->code, .end = answer->drop || answer->stall };
}

static SimOutcome
on_version(SimCommands *self, size_t size)
{
    uint16_t numbers[2];
    int n = 0;

    if (size < sizeof numbers)
        return (SimOutcome){ .code = EINVAL };
    memcpy(numbers, self->body, sizeof numbers);
    if (numbers[0] != 0)
        return (SimOutcome){ .end = true };
    numbers[1] = MIN(numbers[1], MINOR);
    memcpy(self->reply, numbers, sizeof numbers);
    if (self->options.max_xfer > 0)
        n = snprintf((char *)self->reply + 4, 200,
                     "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":%zu,"
                     "\"migration\":{\"pgsize\":4096}}}",
                     self->options.max_xfer) +
            1;
    return (SimOutcome){ .n = 4 + (size_t)n };
}

/* "argsz" of these three: the room that the client has for the reply. */
static bool
has_room(const SimCommands *self, size_t size, uint32_t needed)
{
    uint32_t argsz = 0;

    if (size < needed)
        return false;
    memcpy(&argsz, self->body, sizeof argsz);
    return argsz >= needed;
}

static SimOutcome
on_get_info(SimCommands *self, size_t size)
{
    static const uint32_t info[] = { 16, 3, N_REGIONS, N_IRQS }; /* 3: reset | pci */

    if (!has_room(self, size, sizeof info))
        return (SimOutcome){ .code = EINVAL };
    memcpy(self->reply, info, sizeof info);
    return (SimOutcome){ .n = sizeof info };
}

/* Of the two regions that have something: bytes, and whether they can be written. */
static const struct {
    uint32_t index;
    uint32_t flags; /* 1: read, 2: write */
    uint64_t size;
} regions[] = {
    { SIM_REGION, 3, SIM_OFFSET + 8 },
    { FERRY_VFIO_PCI_CONFIG_REGION, 1, 64 },
};

static SimOutcome
on_get_region_info(SimCommands *self, size_t size)
{
    struct {
        uint32_t argsz;
        uint32_t flags;
        uint32_t index;
        uint32_t cap_offset;
        uint64_t size;
        uint64_t offset;
    } info;

    if (!has_room(self, size, sizeof info))
        return (SimOutcome){ .code = EINVAL };
    memcpy(&info, self->body, sizeof info);
    if (info.index >= N_REGIONS)
        return (SimOutcome){ .code = EINVAL };
    info = (__typeof__(info)){ .argsz = sizeof info, .index = info.index };
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++) {
        if (regions[i].index != info.index)
            continue;
        info.flags = regions[i].flags;
        info.size = regions[i].size;
    }
    memcpy(self->reply, &info, sizeof info);
    return (SimOutcome){ .n = sizeof info };
}

/* It raises none, so that all a client can set is nothing to it. */
static SimOutcome
on_get_irq_info(SimCommands *self, size_t size)
{
    uint32_t info[4];

    if (!has_room(self, size, sizeof info))
        return (SimOutcome){ .code = EINVAL };
    memcpy(info, self->body, sizeof info);
    if (info[2] >= N_IRQS)
        return (SimOutcome){ .code = EINVAL };
    info[0] = sizeof info;
    info[1] = 1; /* can signal an eventfd */
    info[3] = 1;
    memcpy(self->reply, info, sizeof info);
    return (SimOutcome){ .n = sizeof info };
}

static SimOutcome
on_set_irqs(SimCommands *self, size_t size)
{
    uint32_t set[5];

    if (!has_room(self, size, sizeof set))
        return (SimOutcome){ .code = EINVAL };
    memcpy(set, self->body, sizeof set);
    return (SimOutcome){ .code = set[2] < N_IRQS ? 0 : EINVAL };
}

static SimMap *
find_map(SimCommands *self, const SimMap *wanted)
{
    for (size_t i = 0; i < SIM_MAX_MAPS; i++)
        if (self->maps[i].address == wanted->address && self->maps[i].size == wanted->size)
            return &self->maps[i];
    return NULL;
}

static SimOutcome
on_dma_map(SimCommands *self, size_t size)
{
    SimMap map;
    SimMap *room = NULL;

    if (size != 32)
        return (SimOutcome){ .code = EINVAL };
    memcpy(&map, self->body + 16, sizeof map);
    if (map.size == 0 || map.address + map.size < map.address)
        return (SimOutcome){ .code = EINVAL };
    for (size_t i = 0; i < SIM_MAX_MAPS; i++)
        if (self->maps[i].size > 0 && map.address < self->maps[i].address + self->maps[i].size &&
            self->maps[i].address < map.address + map.size)
            return (SimOutcome){ .code = EEXIST };
    room = find_map(self, &(SimMap){ 0 });
    if (room == NULL)
        return (SimOutcome){ .code = ENOSPC };
    *room = map;
    return (SimOutcome){ 0 };
}

static SimOutcome
on_dma_unmap(SimCommands *self, size_t size)
{
    SimMap map;
    SimMap *found = NULL;

    if (size != 24)
        return (SimOutcome){ .code = EINVAL };
    memcpy(&map, self->body + 8, sizeof map);
    found = map.size > 0 ? find_map(self, &map) : NULL;
    if (found == NULL)
        return (SimOutcome){ .code = ENOENT };
    *found = (SimMap){ 0 };
    memcpy(self->reply, self->body, size);
    return (SimOutcome){ .n = size };
}

static SimOutcome
on_feature(SimCommands *self, size_t size)
{
    uint32_t head[2];
    uint32_t index = 0;
    uint32_t state[2] = { 0 };
    bool get = false;

    if (size < sizeof head)
        return (SimOutcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    index = head[1] & 0xffff;
    get = (head[1] & FERRY_FEATURE_GET) != 0;
    memcpy(self->reply, self->body, MIN(size, 64));
    if (index != 1 && index != 2)
        return (SimOutcome){ .code = EINVAL };
    if (get && (head[1] & FERRY_FEATURE_SET) != 0 && (head[1] & FERRY_FEATURE_PROBE) == 0)
        return (SimOutcome){ .code = EINVAL };
    if (index == 1 && (head[1] & FERRY_FEATURE_SET) != 0)
        return (SimOutcome){ .code = EINVAL };
    if (head[1] & FERRY_FEATURE_PROBE)
        return (SimOutcome){ .n = size };
    if (head[0] < 16 || (!get && size < 16))
        return (SimOutcome){ .code = EINVAL };
    if (index == 1) {
        memcpy(self->reply + 8, &sim_device_options(self->device)->flags, 8);
        return (SimOutcome){ .n = 16 };
    }
    if (get) {
        state[0] = sim_device_state(self->device);
        state[1] = self->options.libvfio_user ? 0 : UINT32_MAX;
        memcpy(self->reply + 8, state, sizeof state);
        return (SimOutcome){ .n = 16 };
    }
    memcpy(state, self->body + 8, sizeof state);
    SimAnswer answer = sim_device_move(self->device, state[0]);
    return from_answer(&answer, 16);
}

static SimOutcome
on_data_read(SimCommands *self, size_t size)
{
    uint32_t head[2];
    SimAnswer answer = { 0 };

    if (size != sizeof head)
        return (SimOutcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    if (head[1] > self->max_xfer || head[0] < 8)
        return (SimOutcome){ .code = EINVAL };
    answer = sim_device_read(self->device, self->reply + 8, head[1]);
    if (answer.code == ENOMSG || answer.code == EAGAIN)
        answer.code = 0; /* the protocol has only sizes */
    head[1] = (uint32_t)answer.n;
    memcpy(head + 0, &(uint32_t){ 8 + head[1] }, sizeof head[0]);
    if (self->options.libvfio_user) {
        uint32_t asked = 0;

        memcpy(&asked, self->body + 4, sizeof asked);
        memset(self->reply + 8 + answer.n, 0, asked - answer.n);
        memcpy(self->reply, head, sizeof head);
        return from_answer(&answer, 8 + asked);
    }
    memcpy(self->reply, head, sizeof head);
    return from_answer(&answer, 8 + answer.n);
}

static SimOutcome
on_data_write(SimCommands *self, size_t size)
{
    uint32_t head[2];
    SimAnswer answer = { 0 };

    if (size < sizeof head)
        return (SimOutcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    if (head[1] > self->max_xfer || head[1] != size - sizeof head)
        return (SimOutcome){ .code = EINVAL };
    answer = sim_device_write(self->device, self->body + sizeof head, head[1]);
    return from_answer(&answer, 0);
}

static SimOutcome
on_reset(SimCommands *self, size_t size)
{
    SimAnswer answer = { 0 };

    (void)size;
    answer = sim_device_reset(self->device);
    return from_answer(&answer, 0);
}

typedef struct {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
} Access;

/* What is in the region, and whether the access is to what it has. */
static bool
open_region(const SimCommands *self, const Access *access, bool write, uint8_t *content)
{
    /* vendor 1234, device 5678, revision 1, class 078000: "other communication controller" */
    static const uint8_t config[64] = { 0x34, 0x12, 0x78, 0x56, 0, 0, 0, 0, 1, 0, 0x80, 7 };
    uint64_t reg = sim_device_register(self->device);

    memset(content, 0, 64);
    if (access->region == FERRY_VFIO_PCI_CONFIG_REGION)
        memcpy(content, config, sizeof config);
    else
        memcpy(content + SIM_OFFSET, &reg, sizeof reg);
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++)
        if (regions[i].index == access->region)
            return (!write || (regions[i].flags & 2) != 0) && access->offset < regions[i].size &&
                   access->count <= regions[i].size - access->offset;
    return false;
}

static SimOutcome
on_region(SimCommands *self, size_t size, bool write)
{
    uint8_t content[64];
    uint64_t reg = 0;
    Access access;

    if (size < sizeof access)
        return (SimOutcome){ .code = EINVAL };
    memcpy(&access, self->body, sizeof access);
    memcpy(self->reply, &access, sizeof access);
    if (!open_region(self, &access, write, content) ||
        size != sizeof access + (write ? access.count : 0))
        return (SimOutcome){ .code = EINVAL };
    if (!write) {
        memcpy(self->reply + sizeof access, content + access.offset, access.count);
        return (SimOutcome){ .n = sizeof access + access.count };
    }
    memcpy(content + access.offset, self->body + sizeof access, access.count);
    memcpy(&reg, content + SIM_OFFSET, sizeof reg);
    sim_device_set_register(self->device, reg);
    return (SimOutcome){ .n = sizeof access };
}

static SimOutcome
on_region_read(SimCommands *self, size_t size)
{
    return on_region(self, size, false);
}

static SimOutcome
on_region_write(SimCommands *self, size_t size)
{
    return on_region(self, size, true);
}

static const struct {
    SimOutcome (*run)(SimCommands *self, size_t size);
    bool served_stopped; /* libvfio-user: in STOP and STOP_COPY too */
} commands[] = {
    [1] = { on_version, true },          [2] = { on_dma_map, false },
    [3] = { on_dma_unmap, false },       [4] = { on_get_info, false },
    [5] = { on_get_region_info, false }, [7] = { on_get_irq_info, false },
    [8] = { on_set_irqs, false },        [9] = { on_region_read, true },
    [10] = { on_region_write, true },    [13] = { on_reset, false },
    [16] = { on_feature, true },         [17] = { on_data_read, true },
    [18] = { on_data_write, true },
};

SimOutcome
sim_commands_run(SimCommands *self, uint16_t command, size_t size)
{
    FerryMigState state = sim_device_state(self->device);
    bool stopped = state == FERRY_MIG_STATE_STOP || state == FERRY_MIG_STATE_STOP_COPY;

    if (command >= G_N_ELEMENTS(commands) || commands[command].run == NULL ||
        (self->options.libvfio_user && stopped && !commands[command].served_stopped))
        return (SimOutcome){ .code = EINVAL };
    return commands[command].run(self, size);
}
