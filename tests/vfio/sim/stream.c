#include "sim/stream.h"

#include <errno.h>
#include <string.h>

#define MAGIC     0x6d69732d79727265u
#define KIND_PAGE 1u
#define KIND_END  2u

typedef struct {
    uint64_t magic;
    uint32_t type;
    uint32_t page_bytes;
    uint64_t state_bytes;
} Header;

typedef struct {
    uint32_t kind;
    uint32_t generation;
    uint64_t page;   /* END: the register */
    uint64_t digest; /* END only */
} Record;
G_STATIC_ASSERT(sizeof(Header) == sizeof(Record));

struct _SimSaver {
    const SimState *state;
    uint64_t next_page; /* first pass: pages from here were not sent yet */
    uint8_t *dirty;     /* one bit a page: sent and dirtied again */
    GQueue dirty_queue;
    uint64_t n_dirty;
    uint64_t sent_bytes;
    uint64_t dirt_carry;
    uint64_t reinit_pages; /* initial data announced by a REINIT, still to be read */
    bool reinit_done;
    bool reinit_news;
    bool stopped;
    bool ended;
    /* the record that is being read out */
    union {
        Header header;
        Record record;
    } head;
    size_t head_left;
    size_t body_left;
};

struct _SimLoader {
    SimState state;
    union {
        Header header;
        Record record;
        uint8_t bytes[sizeof(Record)];
    } head;
    size_t head_have;
    size_t body_have;
    bool has_header;
    bool in_body;
    bool ended;
    int failed;
};

static uint64_t
mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* Byte @offset of a page is that of an endless row of one word: cheap, and telling enough. */
static uint64_t
page_word(uint64_t page, uint32_t generation)
{
    return mix(page * 0x9e3779b97f4a7c15u + generation);
}

void
sim_state_init(SimState *self, const SimOptions *options)
{
    self->options = options;
    self->n_pages = (options->state_bytes + options->page_bytes - 1) / options->page_bytes;
    self->generations = g_new(uint32_t, self->n_pages);
    self->reg = 0;
    for (uint64_t i = 0; i < self->n_pages; i++)
        self->generations[i] = 1;
}

void
sim_state_clear(SimState *self)
{
    g_clear_pointer(&self->generations, g_free);
}

uint64_t
sim_state_digest(const SimState *self)
{
    uint64_t digest = mix(self->reg + 1);

    for (uint64_t i = 0; i < self->n_pages; i++)
        digest = mix(digest ^ self->generations[i]);
    return digest;
}

uint64_t
sim_state_stream_bytes(const SimState *self)
{
    return sizeof(Header) + sizeof(Record) +
           self->n_pages * (sizeof(Record) + self->options->page_bytes);
}

void
sim_state_dirty(SimState *self, SimSaver *saver, uint64_t page)
{
    self->generations[page]++;
    if (saver == NULL || page >= saver->next_page ||
        (saver->dirty[page / 8] & (1u << (page % 8))) != 0)
        return;
    saver->dirty[page / 8] = (uint8_t)(saver->dirty[page / 8] | (1u << (page % 8)));
    g_queue_push_tail(&saver->dirty_queue, GSIZE_TO_POINTER(page + 1));
    saver->n_dirty++;
}

SimSaver *
sim_saver_new(const SimState *state)
{
    SimSaver *self = g_new0(SimSaver, 1);

    self->state = state;
    self->dirty = g_malloc0(state->n_pages / 8 + 1);
    g_queue_init(&self->dirty_queue);
    self->head.header = (Header){ .magic = MAGIC,
                                  .type = state->options->type,
                                  .page_bytes = state->options->page_bytes,
                                  .state_bytes = state->options->state_bytes };
    self->head_left = sizeof(Header);
    return self;
}

void
sim_saver_free(SimSaver *self)
{
    g_queue_clear(&self->dirty_queue);
    g_free(self->dirty);
    g_free(self);
}

void
sim_saver_stop(SimSaver *self)
{
    self->stopped = true;
}

static void
begin_page(SimSaver *self, uint64_t page)
{
    self->head.record =
        (Record){ .kind = KIND_PAGE, .page = page, .generation = self->state->generations[page] };
    self->head_left = sizeof(Record);
    self->body_left = self->state->options->page_bytes;
    if (self->reinit_pages > 0)
        self->reinit_pages--;
}

static bool
may_go_on(const SimSaver *self)
{
    uint64_t limit = self->state->options->precopy_limit;

    return self->stopped || limit == 0 || self->sent_bytes < limit;
}

/* Chooses what to send next: first pass, then what got dirty, then, once stopped, the end. */
static bool
begin_record(SimSaver *self)
{
    if (self->ended || !may_go_on(self))
        return false;
    if (self->next_page < self->state->n_pages) {
        begin_page(self, self->next_page++);
        return true;
    }
    if (self->n_dirty > 0) {
        uint64_t page = GPOINTER_TO_SIZE(g_queue_pop_head(&self->dirty_queue)) - 1;

        self->n_dirty--;
        self->dirty[page / 8] = (uint8_t)(self->dirty[page / 8] & ~(1u << (page % 8)));
        begin_page(self, page);
        return true;
    }
    if (!self->stopped)
        return false;
    self->ended = true;
    self->head.record = (Record){ .kind = KIND_END,
                                  .page = self->state->reg,
                                  .digest = sim_state_digest(self->state) };
    self->head_left = sizeof(Record);
    return true;
}

static void
fill_body(const SimSaver *self, uint8_t *buf, size_t n)
{
    uint64_t word = page_word(self->head.record.page, self->head.record.generation);
    size_t at = self->state->options->page_bytes - self->body_left;
    size_t i = 0;

    if (self->state->options->opaque)
        return;
    for (; i < n && (at + i) % 8 != 0; i++)
        buf[i] = (uint8_t)(word >> ((at + i) % 8 * 8));
    for (; i + 8 <= n; i += 8)
        memcpy(buf + i, &word, 8);
    for (; i < n; i++)
        buf[i] = (uint8_t)(word >> ((at + i) % 8 * 8));
}

size_t
sim_saver_read(SimSaver *self, void *buf, size_t size)
{
    uint8_t *out = buf;
    size_t done = 0;
    const SimOptions *options = self->state->options;

    while (done < size) {
        size_t n = 0;

        if (self->head_left == 0 && self->body_left == 0 && !begin_record(self))
            break;
        if (self->head_left > 0) {
            n = MIN(size - done, self->head_left);
            memcpy(out + done, (const uint8_t *)&self->head + sizeof self->head - self->head_left,
                   n);
            self->head_left -= n;
        } else {
            n = MIN(size - done, self->body_left);
            fill_body(self, out + done, n);
            self->body_left -= n;
        }
        done += n;
        self->sent_bytes += n;
    }
    if (options->reinit_at > 0 && !self->reinit_done && self->sent_bytes >= options->reinit_at) {
        self->reinit_done = self->reinit_news = true;
        self->next_page = 0;
        self->reinit_pages = self->state->n_pages;
        g_queue_clear(&self->dirty_queue);
        memset(self->dirty, 0, self->state->n_pages / 8 + 1);
        self->n_dirty = 0;
    }
    return done;
}

uint64_t
sim_saver_dirt_due(SimSaver *self, size_t n, unsigned percent)
{
    uint64_t page = self->state->options->page_bytes;
    uint64_t due = 0;

    self->dirt_carry += (uint64_t)n * percent;
    due = self->dirt_carry / (100 * page);
    self->dirt_carry -= due * 100 * page;
    return due;
}

static uint64_t
pages_bytes(const SimSaver *self, uint64_t n)
{
    return n * (sizeof(Record) + self->state->options->page_bytes);
}

void
sim_saver_info(SimSaver *self, SimInfo *ret)
{
    const SimOptions *options = self->state->options;
    uint64_t left = pages_bytes(self, self->state->n_pages - self->next_page) + self->head_left +
                    self->body_left;
    uint64_t initial = self->reinit_pages > 0 ? pages_bytes(self, self->reinit_pages)
                       : options->initial_bytes > self->sent_bytes
                           ? options->initial_bytes - self->sent_bytes
                           : 0;

    if (options->precopy_limit > 0)
        left = options->precopy_limit > self->sent_bytes ? options->precopy_limit - self->sent_bytes
                                                         : 0;
    initial = MIN(initial, left);
    *ret = (SimInfo){ .initial = initial,
                      .dirty = left - initial + pages_bytes(self, self->n_dirty),
                      .reinit = self->reinit_news };
    self->reinit_news = false;
}

uint64_t
sim_saver_left(const SimSaver *self)
{
    return self->head_left + self->body_left + (self->ended ? 0 : sizeof(Record)) +
           pages_bytes(self, self->state->n_pages - self->next_page + self->n_dirty);
}

SimLoader *
sim_loader_new(const SimOptions *options)
{
    SimLoader *self = g_new0(SimLoader, 1);

    sim_state_init(&self->state, options);
    memset(self->state.generations, 0, self->state.n_pages * sizeof *self->state.generations);
    return self;
}

void
sim_loader_free(SimLoader *self)
{
    sim_state_clear(&self->state);
    g_free(self);
}

static int
take_head(SimLoader *self)
{
    const Record *record = &self->head.record;

    self->head_have = 0;
    if (!self->has_header) {
        const Header *header = &self->head.header;

        self->has_header = true;
        return header->magic == MAGIC && header->type == self->state.options->type &&
                       header->page_bytes == self->state.options->page_bytes &&
                       header->state_bytes == self->state.options->state_bytes
                   ? 0
                   : EFAULT;
    }
    if (record->kind == KIND_PAGE && record->page < self->state.n_pages) {
        self->in_body = true;
        self->body_have = 0;
        return 0;
    }
    if (record->kind != KIND_END)
        return EINVAL;
    self->state.reg = record->page;
    self->ended = true;
    return record->digest == sim_state_digest(&self->state) ? 0 : EINVAL;
}

static int
take_body(SimLoader *self, const uint8_t *buf, size_t n)
{
    uint64_t word = page_word(self->head.record.page, self->head.record.generation);

    for (size_t i = 0; i < n; i++)
        if (buf[i] != (uint8_t)(word >> ((self->body_have + i) % 8 * 8)))
            return EINVAL;
    self->body_have += n;
    if (self->body_have == self->state.options->page_bytes) {
        self->in_body = false;
        self->state.generations[self->head.record.page] = self->head.record.generation;
    }
    return 0;
}

int
sim_loader_write(SimLoader *self, const void *buf, size_t size)
{
    const uint8_t *in = buf;

    while (size > 0 && self->failed == 0) {
        size_t n = 0;

        if (self->ended)
            return self->failed = ENOMEM;
        if (self->in_body) {
            n = MIN(size, self->state.options->page_bytes - self->body_have);
            self->failed = take_body(self, in, n);
        } else {
            n = MIN(size, sizeof self->head.bytes - self->head_have);
            memcpy(self->head.bytes + self->head_have, in, n);
            self->head_have += n;
            if (self->head_have == sizeof self->head.bytes)
                self->failed = take_head(self);
        }
        in += n;
        size -= n;
    }
    return self->failed;
}

bool
sim_loader_complete(const SimLoader *self)
{
    return self->ended && self->failed == 0;
}

void
sim_loader_apply(SimLoader *self, SimState *state)
{
    if (!self->ended)
        return; /* a device that accepts anything keeps what it has */
    memcpy(state->generations, self->state.generations,
           state->n_pages * sizeof *state->generations);
    state->reg = self->state.reg;
}
