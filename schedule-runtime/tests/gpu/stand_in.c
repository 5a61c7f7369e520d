// A test double of the CUDA driver, NVRTC and NCCL over the memory of the host: the functions that the runtime loads, and no
// others. Streams are threads, so that work is done later, as on a GPU; NVRTC is the host's compiler; the ranks of NCCL are
// threads of one process. `stand_in_fault` makes it do what a real one does not on request.
//
// What a GPU does differently, and this cannot show: threads that run at once (a kernel that races passes here), what it
// costs, bits of what is not a number, memory that only the GPU can reach, copies that wait for a busy stream, branches of a
// graph that run at once, and an abort that comes back late.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;
enum { SUCCESS = 0, INVALID_VALUE = 1, NOT_FOUND = 500, NOT_READY = 600, LAUNCH_FAILED = 719 };
enum { UNSUPPORTED = 900, INVALIDATED = 901, UNJOINED = 904, ISOLATION = 905, CAPTURED_EVENT = 907 };

// ---- Faults

enum { SLOW, LOST_SEND, ASYNC_ERROR, OLD_DRIVER, NO_GPU, FAILING_WORK, STUCK_ABORT, FAULTS };
static long faults[FAULTS];

// From now on: microseconds before each piece of work; so many sends that never end; so many groups after which the
// communicator reports an error; a driver of another version; a machine without a GPU; so many pieces of work that fail; and aborts
// that take so many microseconds.
void stand_in_fault(int fault, long value) { __atomic_store_n(&faults[fault], value, __ATOMIC_SEQ_CST); }
static long fault(int which) { return __atomic_load_n(&faults[which], __ATOMIC_SEQ_CST); }
static int take(int which) {
    long left = fault(which);
    while (left > 0 && !__atomic_compare_exchange_n(&faults[which], &left, left - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
    return left > 0;
}

// ---- Streams

typedef struct Work {
    struct Work *next;
    int (*run)(struct Work *);
    void *to, *from;
    size_t bytes;
    int value;
    u64 turn;
    // Of a graph: what it reads is kept, since it runs again.
    int is_kept;
} Work;

// What was captured, in the order of the calls. Graphs stay: they may still run.
typedef struct Graph {
    Work *first, **end;
    struct Stream *origin;
    int invalid, is_open, holders;
} Graph;

typedef struct Stream {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Work *first, *last;
    u64 queued, done;
    int closed, code;
    // The graph that it is captured into, and the number of its calls there, in all and before the origin's last wait for it.
    Graph *graph;
    u64 captured, joined;
    struct Stream *next;
} Stream;

static Stream *streams;
static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *argument) {
    Stream *stream = argument;
    pthread_mutex_lock(&stream->lock);
    for (;;) {
        while (!stream->first && !stream->closed) pthread_cond_wait(&stream->changed, &stream->lock);
        Work *work = stream->first;
        if (!work) break;
        stream->first = work->next;
        pthread_mutex_unlock(&stream->lock);
        if (fault(SLOW) > 0) usleep(fault(SLOW));
        int code = stream->code ? stream->code : take(FAILING_WORK) ? LAUNCH_FAILED : work->run(work);
        free(work);
        pthread_mutex_lock(&stream->lock);
        stream->code = code;
        ++stream->done;
        pthread_cond_broadcast(&stream->changed);
    }
    pthread_mutex_unlock(&stream->lock);
    return NULL;
}

static u64 queue(Stream *stream, Work work) {
    Work *copy = malloc(sizeof work);
    *copy = work;
    copy->next = NULL;
    if (stream->graph) {
        copy->is_kept = 1;
        *stream->graph->end = copy;
        stream->graph->end = &copy->next;
        return ++stream->captured;
    }
    pthread_mutex_lock(&stream->lock);
    if (stream->first) stream->last->next = copy;
    else stream->first = copy;
    stream->last = copy;
    u64 turn = ++stream->queued;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
    return turn;
}

static void wait_turn(Stream *stream, u64 turn) {
    pthread_mutex_lock(&stream->lock);
    while (stream->done < turn) pthread_cond_wait(&stream->changed, &stream->lock);
    pthread_mutex_unlock(&stream->lock);
}

int cuStreamCreate(void **handle, unsigned flags) {
    Stream *stream = calloc(1, sizeof *stream);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, serve, stream);
    pthread_detach(thread);
    pthread_mutex_lock(&all);
    stream->next = streams;
    streams = stream;
    pthread_mutex_unlock(&all);
    *handle = stream;
    return flags == 1 ? SUCCESS : INVALID_VALUE;
}
// Streams stay: events may still ask them.
int cuStreamDestroy_v2(void *handle) {
    Stream *stream = handle;
    pthread_mutex_lock(&stream->lock);
    stream->closed = 1;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
    return SUCCESS;
}
static int turn_state(Stream *stream, u64 turn) {
    pthread_mutex_lock(&stream->lock);
    int code = stream->done < turn ? NOT_READY : stream->code;
    pthread_mutex_unlock(&stream->lock);
    return code;
}
// The graph that this thread captures. A driver forbids in the mode RELAXED less than what is refused here, also allocation and
// copies from ordinary memory, which would be read again when the graph runs.
static __thread Graph *capturing;
static int refused(Graph *graph) {
    if (graph) graph->invalid = 1;
    return graph ? UNSUPPORTED : SUCCESS;
}
int cuStreamQuery(void *handle) {
    Stream *stream = handle;
    if (refused(stream->graph)) return UNSUPPORTED;
    pthread_mutex_lock(&stream->lock);
    u64 turn = stream->queued;
    pthread_mutex_unlock(&stream->lock);
    return turn_state(stream, turn);
}

// ---- Events

typedef struct Event {
    Stream *stream;
    u64 turn;
    struct timespec time;
    // The graph in which it was recorded last.
    Graph *graph;
} Event;

static int stamp(Work *work) { return clock_gettime(CLOCK_MONOTONIC, &((Event *)work->to)->time); }
static int await(Work *work) {
    wait_turn(work->from, work->turn);
    return SUCCESS;
}
int cuEventCreate(void **handle, unsigned flags) {
    (void)flags;
    *handle = calloc(1, sizeof(Event));
    return SUCCESS;
}
// Its time may still be written.
int cuEventDestroy_v2(void *handle) { (void)handle; return SUCCESS; }
int cuEventRecord(void *handle, void *of) {
    Event *event = handle;
    Stream *stream = of;
    event->stream = stream;
    event->graph = stream->graph;
    event->turn = stream->graph ? stream->captured : queue(stream, (Work){.run = stamp, .to = event});
    return SUCCESS;
}
int cuEventQuery(void *handle) {
    Event *event = handle;
    if (event->graph) {
        refused(event->graph);
        return CAPTURED_EVENT;
    }
    return event->stream ? turn_state(event->stream, event->turn) : SUCCESS;
}
// Captured work runs in the order of the calls, so that a wait is only checked.
static int captured_wait(Stream *stream, Event *event) {
    Graph *graph = event->graph;
    if (!graph || !graph->is_open || (stream->graph && stream->graph != graph)) {
        refused(stream->graph);
        return graph ? CAPTURED_EVENT : ISOLATION;
    }
    stream->graph = graph;
    ++stream->captured;
    if (stream == graph->origin) event->stream->joined = event->turn;
    return SUCCESS;
}
int cuStreamWaitEvent(void *handle, void *of, unsigned flags) {
    Stream *stream = handle;
    Event *event = of;
    if (event->stream && (event->graph || stream->graph)) return captured_wait(stream, event);
    if (event->stream) queue(stream, (Work){.run = await, .from = event->stream, .turn = event->turn});
    return flags ? INVALID_VALUE : SUCCESS;
}
int cuEventElapsedTime(float *milliseconds, void *from, void *to) {
    struct timespec a = ((Event *)from)->time, b = ((Event *)to)->time;
    *milliseconds = (b.tv_sec - a.tv_sec) * 1e3f + (b.tv_nsec - a.tv_nsec) / 1e6f;
    return SUCCESS;
}

// ---- The device and its memory

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : SUCCESS; }
int cuDriverGetVersion(int *version) {
    *version = fault(OLD_DRIVER) ? (int)fault(OLD_DRIVER) : 12090;
    return SUCCESS;
}
int cuGetErrorString(int code, const char **text) {
    *text = code == LAUNCH_FAILED ? "unspecified launch failure" : code == INVALID_VALUE ? "invalid argument" : "error";
    return SUCCESS;
}
#ifndef DEVICES
#define DEVICES 1
#endif
static int exists(int device) { return device >= 7 && device < 7 + DEVICES ? SUCCESS : INVALID_VALUE; }
int cuDeviceGetCount(int *count) { *count = fault(NO_GPU) ? 0 : DEVICES; return SUCCESS; }
int cuDeviceGet(int *device, int number) { *device = 7 + number; return SUCCESS; }
int cuDeviceGetName(char *name, int bytes, int device) {
    snprintf(name, bytes, "stand-in of a GPU");
    return exists(device);
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 9 : 0;
    return exists(device);
}
static __thread int is_current;
static char context_of_device;
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = &context_of_device;
    return exists(device);
}
int cuDevicePrimaryCtxRelease_v2(int device) { return exists(device); }
int cuCtxSetCurrent(void *context) {
    is_current = context == &context_of_device;
    return SUCCESS;
}
int cuMemAlloc_v2(u64 *address, size_t bytes) {
    if (refused(capturing)) return UNSUPPORTED;
    void *memory = is_current && bytes ? aligned_alloc(256, (bytes + 255) / 256 * 256) : NULL;
    // Contents are unspecified: what relies on zeros is found.
    if (memory) memset(memory, 0xa5, bytes);
    *address = (u64)memory;
    return memory ? SUCCESS : INVALID_VALUE;
}
int cuMemFree_v2(u64 address) {
    if (refused(capturing)) return UNSUPPORTED;
    pthread_mutex_lock(&all);
    Stream *stream = streams;
    pthread_mutex_unlock(&all);
    for (; stream; stream = stream->next) {
        pthread_mutex_lock(&stream->lock);
        u64 turn = stream->queued;
        pthread_mutex_unlock(&stream->lock);
        wait_turn(stream, turn);
    }
    free((void *)address);
    return SUCCESS;
}
int cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
    u64 memory;
    int code = cuMemAlloc_v2(&memory, bytes);
    *address = (void *)memory;
    return flags == 1 ? code : INVALID_VALUE;
}
int cuMemFreeHost(void *address) { return cuMemFree_v2((u64)address); }
static int copy(Work *work) {
    memcpy(work->to, work->from, work->bytes);
    return SUCCESS;
}
static int copy_and_free(Work *work) {
    copy(work);
    free(work->from);
    return SUCCESS;
}
static int set(Work *work) {
    memset(work->to, work->value, work->bytes);
    return SUCCESS;
}
int cuMemcpyHtoDAsync_v2(u64 to, const void *from, size_t bytes, void *stream) {
    if (refused(((Stream *)stream)->graph)) return UNSUPPORTED;
    void *taken = malloc(bytes);
    memcpy(taken, from, bytes);
    queue(stream, (Work){.run = copy_and_free, .to = (void *)to, .from = taken, .bytes = bytes});
    return is_current ? SUCCESS : INVALID_VALUE;
}
int cuMemcpyDtoHAsync_v2(void *to, u64 from, size_t bytes, void *stream) {
    if (refused(((Stream *)stream)->graph)) return UNSUPPORTED;
    queue(stream, (Work){.run = copy, .to = to, .from = (void *)from, .bytes = bytes});
    return is_current ? SUCCESS : INVALID_VALUE;
}
int cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t bytes, void *stream) {
    queue(stream, (Work){.run = copy, .to = (void *)to, .from = (void *)from, .bytes = bytes});
    return is_current ? SUCCESS : INVALID_VALUE;
}
int cuMemsetD8Async(u64 to, unsigned char value, size_t bytes, void *stream) {
    queue(stream, (Work){.run = set, .to = (void *)to, .value = value, .bytes = bytes});
    return is_current ? SUCCESS : INVALID_VALUE;
}

// ---- Kernels

typedef struct Function {
    void (*body)(const void *);
    unsigned long bytes;
} Function;

int cuModuleLoadData(void **module, const void *image) {
    *module = dlopen(image, RTLD_NOW | RTLD_LOCAL);
    return *module ? SUCCESS : INVALID_VALUE;
}
int cuModuleUnload(void *module) { (void)module; return SUCCESS; }
int cuModuleGetFunction(void **handle, void *module, const char *name) {
    char size[256];
    snprintf(size, sizeof size, "%s_size", name);
    unsigned long *bytes = dlsym(module, size);
    if (!bytes) return NOT_FOUND;
    Function *function = malloc(sizeof *function);
    *(void **)&function->body = dlsym(module, name);
    function->bytes = *bytes;
    *handle = function;
    return SUCCESS;
}
static int call(Work *work) {
    Function *function = work->to;
    function->body(work->from);
    if (!work->is_kept) free(work->from);
    return SUCCESS;
}
static long launched;
// How often a kernel was launched, or captured.
long stand_in_launched(void) { return __atomic_load_n(&launched, __ATOMIC_SEQ_CST); }
int cuLaunchKernel(void *handle, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
    if (!is_current || x < 1 || y != 1 || z != 1 || bx < 1 || bx > 1024 || by != 1 || bz != 1 || shared || extra)
        return INVALID_VALUE;
    __atomic_add_fetch(&launched, 1, __ATOMIC_SEQ_CST);
    Function *function = handle;
    void *fields = malloc(function->bytes);
    memcpy(fields, parameters[0], function->bytes);
    queue(stream, (Work){.run = call, .to = function, .from = fields});
    return SUCCESS;
}

// ---- NVRTC

typedef struct Program {
    char *source, log[4096], library[512];
} Program;

int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 9; return SUCCESS; }
int nvrtcCreateProgram(void **handle, const char *source, const char *name, int headers, const char *const *texts,
                       const char *const *names) {
    (void)name, (void)texts, (void)names;
    Program *program = calloc(1, sizeof *program);
    program->source = strdup(source);
    *handle = program;
    return headers;
}
int nvrtcDestroyProgram(void **handle) {
    free(((Program *)*handle)->source);
    free(*handle);
    *handle = NULL;
    return SUCCESS;
}
// What has been compiled: equal texts are compiled once.
typedef struct Compiled {
    struct Compiled *next;
    char *source, library[512];
} Compiled;
static Compiled *compiled;
static pthread_mutex_t compiling = PTHREAD_MUTEX_INITIALIZER;

static int compile(Program *program);
int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
    Program *program = handle;
    const char *needed[] = {"--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false"};
    for (int i = 0; i < 4; ++i) {
        int found = 0;
        for (int option = 0; option < count; ++option) found |= !strcmp(options[option], needed[i]);
        if (!found) return snprintf(program->log, sizeof program->log, "error: no option %s", needed[i]);
    }
    pthread_mutex_lock(&compiling);
    Compiled *known = compiled;
    while (known && strcmp(known->source, program->source)) known = known->next;
    int code = SUCCESS;
    if (known) {
        strcpy(program->library, known->library);
    } else if (!(code = compile(program))) {
        Compiled *new = calloc(1, sizeof *new);
        new->source = strdup(program->source);
        strcpy(new->library, program->library);
        new->next = compiled;
        compiled = new;
    }
    pthread_mutex_unlock(&compiling);
    return code;
}
static int compile(Program *program) {
    static int number;
    char command[2048];
    int one = ++number;
    snprintf(program->library, sizeof program->library, "%s/kernels-%d.so", SCRATCH, one);
    snprintf(command, sizeof command, "cc -shared -fPIC -O0 -std=gnu11 -ffp-contract=off -w -I %s -x c - -lm -o %s 2>%s.log",
             INCLUDE, program->library, program->library);
    FILE *compiler = popen(command, "w");
    fputs(program->source, compiler);
    if (pclose(compiler) == 0) return SUCCESS;
    snprintf(command, sizeof command, "%s.log", program->library);
    FILE *log = fopen(command, "r");
    size_t bytes = log ? fread(program->log, 1, sizeof program->log - 1, log) : 0;
    program->log[bytes] = 0;
    if (log) fclose(log);
    return 6;
}
int nvrtcGetProgramLogSize(void *handle, size_t *bytes) { *bytes = strlen(((Program *)handle)->log) + 1; return SUCCESS; }
int nvrtcGetProgramLog(void *handle, char *log) { strcpy(log, ((Program *)handle)->log); return SUCCESS; }
// Code for this machine is the name of a file.
int nvrtcGetCUBINSize(void *handle, size_t *bytes) { *bytes = strlen(((Program *)handle)->library) + 1; return SUCCESS; }
int nvrtcGetCUBIN(void *handle, char *code) { strcpy(code, ((Program *)handle)->library); return SUCCESS; }
int nvrtcGetPTXSize(void *handle, size_t *bytes) { return nvrtcGetCUBINSize(handle, bytes); }
int nvrtcGetPTX(void *handle, char *code) { return nvrtcGetCUBIN(handle, code); }

// ---- NCCL

enum { NCCL_SYSTEM_ERROR = 2, NCCL_INVALID_USAGE = 5, NCCL_REMOTE_ERROR = 6, NCCL_IN_PROGRESS = 7 };

typedef struct Message {
    struct Message *next;
    int from, to, taken;
    const void *memory;
    size_t bytes;
} Message;

typedef struct World {
    struct World *next;
    u64 id;
    int size, joined;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Message *messages;
} World;

typedef struct Comm {
    World *world;
    // How often its groups stand in graphs that have not been destroyed, too.
    int rank, aborted, error, busy, polls, captured;
} Comm;

typedef struct { char internal[128]; } Id;
typedef struct { size_t size; unsigned magic, version; int blocking; } Config;
typedef struct Part {
    struct Part *next;
    Comm *comm;
    Stream *stream;
    int is_send, peer;
    void *memory;
    size_t bytes;
} Part;

static World *worlds;
static __thread Part *parts, **end_of_parts;
static __thread int depth;

int ncclGetVersion(int *version) {
#ifdef OLD_NCCL
    *version = 21305;
#else
    *version = 23007;
#endif
    return SUCCESS;
}
const char *ncclGetErrorString(int code) {
    return code == NCCL_REMOTE_ERROR ? "remote process exited or there was a network error" : "some NCCL error";
}
int ncclGetUniqueId(Id *id) {
    static u64 ids;
    memset(id, 0, sizeof *id);
    u64 one = __atomic_add_fetch(&ids, 1, __ATOMIC_SEQ_CST);
    memcpy(id, &one, sizeof one);
    return SUCCESS;
}
int ncclCommInitRankConfig(void **handle, int size, Id id, int rank, Config *config) {
    if (config->magic != 0xcafebeef || config->size < sizeof *config || config->blocking) return 4;
    u64 one;
    memcpy(&one, &id, sizeof one);
    pthread_mutex_lock(&all);
    World *world = worlds;
    while (world && world->id != one) world = world->next;
    if (!world) {
        world = calloc(1, sizeof *world);
        world->id = one;
        world->size = size;
        pthread_mutex_init(&world->lock, NULL);
        pthread_cond_init(&world->changed, NULL);
        world->next = worlds;
        worlds = world;
    }
    ++world->joined;
    pthread_mutex_unlock(&all);
    Comm *comm = calloc(1, sizeof *comm);
    comm->world = world;
    comm->rank = rank;
    *handle = comm;
    return NCCL_IN_PROGRESS;
}
int ncclCommGetAsyncError(void *handle, int *error) {
    Comm *comm = handle;
    pthread_mutex_lock(&all);
    int all_there = comm->world->joined == comm->world->size;
    pthread_mutex_unlock(&all);
    int polls = __atomic_load_n(&comm->polls, __ATOMIC_SEQ_CST);
    if (polls > 0) __atomic_store_n(&comm->polls, polls - 1, __ATOMIC_SEQ_CST);
    int state = __atomic_load_n(&comm->error, __ATOMIC_SEQ_CST);
    *error = state ? state : all_there && !polls ? SUCCESS : NCCL_IN_PROGRESS;
    return SUCCESS;
}

// The parts of a group for one communicator go on at once.
static int exchange(Work *work) {
    Part *group = work->from;
    Comm *comm = group->comm;
    World *world = comm->world;
    Message *sent[64];
    int sends = 0;
    pthread_mutex_lock(&world->lock);
    for (Part *part = group; part; part = part->next) {
        if (!part->is_send) continue;
        Message *message = calloc(1, sizeof *message);
        *message = (Message){NULL, comm->rank, part->peer, 0, part->memory, part->bytes};
        if (sends < 64) sent[sends++] = message;
        if (take(LOST_SEND)) continue;
        Message **last = &world->messages;
        while (*last) last = &(*last)->next;
        *last = message;
    }
    pthread_cond_broadcast(&world->changed);
    for (Part *part = group; part && !comm->aborted; part = part->next) {
        if (part->is_send) continue;
        Message **place;
        for (;;) {
            place = &world->messages;
            while (*place && ((*place)->from != part->peer || (*place)->to != comm->rank)) place = &(*place)->next;
            if (*place || comm->aborted) break;
            pthread_cond_wait(&world->changed, &world->lock);
        }
        if (comm->aborted) break;
        Message *message = *place;
        *place = message->next;
        if (message->bytes == part->bytes) memcpy(part->memory, message->memory, part->bytes);
        else comm->error = NCCL_INVALID_USAGE;
        message->taken = 1;
        pthread_cond_broadcast(&world->changed);
    }
    for (int send = 0; send < sends; ++send)
        while (!sent[send]->taken && !comm->aborted) pthread_cond_wait(&world->changed, &world->lock);
    // What is aborted is no longer read.
    for (int send = 0; send < sends; ++send)
        for (Message **place = &world->messages; *place;)
            if (*place == sent[send]) *place = sent[send]->next;
            else place = &(*place)->next;
    if (take(ASYNC_ERROR)) comm->error = NCCL_REMOTE_ERROR;
    --comm->busy;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    while (group && !work->is_kept) {
        Part *next = group->next;
        free(group);
        group = next;
    }
    return SUCCESS;
}
int ncclGroupStart(void) {
    if (depth++ == 0) {
        parts = NULL;
        end_of_parts = &parts;
    }
    return SUCCESS;
}
int ncclGroupEnd(void) {
    if (--depth || !parts) return SUCCESS;
    Comm *comm = parts->comm;
    for (Part *part = parts; part; part = part->next)
        if (part->comm != comm || part->stream != parts->stream) return NCCL_INVALID_USAGE;
    pthread_mutex_lock(&comm->world->lock);
    if (parts->stream->graph) ++comm->captured;
    else ++comm->busy;
    pthread_mutex_unlock(&comm->world->lock);
    __atomic_store_n(&comm->polls, 2, __ATOMIC_SEQ_CST);
    queue(parts->stream, (Work){.run = exchange, .from = parts});
    return NCCL_IN_PROGRESS;
}
static int part(int is_send, void *memory, size_t count, int type, int peer, void *comm, void *stream) {
    // Bytes, to another rank, in a group.
    if (type != 1 || peer == ((Comm *)comm)->rank || peer >= ((Comm *)comm)->world->size || !depth) return NCCL_INVALID_USAGE;
    Part *one = calloc(1, sizeof *one);
    *one = (Part){NULL, comm, stream, is_send, peer, memory, count};
    *end_of_parts = one;
    end_of_parts = &one->next;
    return SUCCESS;
}
int ncclSend(const void *memory, size_t count, int type, int peer, void *comm, void *stream) {
    return part(1, (void *)memory, count, type, peer, comm, stream);
}
int ncclRecv(void *memory, size_t count, int type, int peer, void *comm, void *stream) {
    return part(0, memory, count, type, peer, comm, stream);
}
int ncclCommAbort(void *handle) {
    Comm *comm = handle;
    if (fault(STUCK_ABORT)) usleep(fault(STUCK_ABORT));
    pthread_mutex_lock(&comm->world->lock);
    comm->aborted = 1;
    pthread_cond_broadcast(&comm->world->changed);
    while (comm->busy || comm->captured) pthread_cond_wait(&comm->world->changed, &comm->world->lock);
    pthread_mutex_unlock(&comm->world->lock);
    return SUCCESS;
}
int ncclCommFinalize(void *handle) { (void)handle; return SUCCESS; }
// As an abort it waits, for as long as it likes, until all graphs with its messages are destroyed.
int ncclCommDestroy(void *handle) { return handle ? ncclCommAbort(handle) : 4; }

// ---- Graphs

int cuStreamBeginCapture_v2(void *handle, int mode) {
    Stream *stream = handle;
    if (stream->graph || capturing || mode != 2) return INVALID_VALUE;
    Graph *graph = calloc(1, sizeof *graph);
    *graph = (Graph){.origin = stream, .is_open = 1, .holders = 1};
    graph->end = &graph->first;
    stream->graph = capturing = graph;
    return SUCCESS;
}
int cuGraphDestroy(void *handle);
int cuStreamEndCapture(void *handle, void **result) {
    Graph *graph = ((Stream *)handle)->graph;
    if (!graph || graph->origin != handle) return INVALID_VALUE;
    int code = graph->invalid ? INVALIDATED : SUCCESS;
    pthread_mutex_lock(&all);
    for (Stream *stream = streams; stream; stream = stream->next) {
        if (stream->graph != graph) continue;
        if (stream != handle && stream->joined != stream->captured && !code) code = UNJOINED;
        stream->graph = NULL;
        stream->captured = stream->joined = 0;
    }
    pthread_mutex_unlock(&all);
    graph->is_open = 0;
    capturing = NULL;
    if (code) cuGraphDestroy(graph);
    *result = code ? NULL : graph;
    return code;
}
int cuGraphInstantiateWithFlags(void **result, void *handle, u64 flags) {
    ++((Graph *)handle)->holders;
    *result = handle;
    return flags ? INVALID_VALUE : SUCCESS;
}
int cuGraphLaunch(void *handle, void *stream) {
    if (refused(((Stream *)stream)->graph)) return UNSUPPORTED;
    for (Work *work = ((Graph *)handle)->first; work; work = work->next) {
        if (work->run == exchange) {
            Comm *comm = ((Part *)work->from)->comm;
            pthread_mutex_lock(&comm->world->lock);
            ++comm->busy;
            pthread_mutex_unlock(&comm->world->lock);
        }
        queue(stream, *work);
    }
    return SUCCESS;
}
int cuGraphDestroy(void *handle) {
    Graph *graph = handle;
    if (--graph->holders) return SUCCESS;
    for (Work *work = graph->first; work; work = work->next) {
        if (work->run != exchange) continue;
        Comm *comm = ((Part *)work->from)->comm;
        pthread_mutex_lock(&comm->world->lock);
        --comm->captured;
        pthread_cond_broadcast(&comm->world->changed);
        pthread_mutex_unlock(&comm->world->lock);
    }
    return SUCCESS;
}
// What still runs goes on.
int cuGraphExecDestroy(void *handle) { return cuGraphDestroy(handle); }
