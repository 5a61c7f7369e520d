/* What bfc needs of MPI, behind functions that are the same for every MPI: handles are 64 bits, ranks and counts ints.
 *
 *   mpicc -shared -fPIC -O2 -o libbfc_mpi.so bridge.c
 *
 * Functions return MPI_SUCCESS, which is 0, or a code that bfc_mpi_text explains. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <mpi.h>
#include <stdint.h>
#include <string.h>

_Static_assert(MPI_SUCCESS == 0, "0 is success");
_Static_assert(sizeof(MPI_Comm) <= sizeof(uint64_t), "a communicator fits");
_Static_assert(sizeof(MPI_Request) <= sizeof(uint64_t), "a request fits");

/* Raised whenever a function changes. */
int bfc_mpi_version(void) { return 2; }

/* Starts MPI unless it has been started; how many threads may call it: 0 the main one, 1 the starting one, 2 one at a time, 3 all. */
int bfc_mpi_start(int *started, int *threads) {
    int is_running = 0, level = 0, code;
    code = MPI_Initialized(&is_running);
    if (code) return code;
    *started = !is_running;
    code = is_running ? MPI_Query_thread(&level) : MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    *threads = level == MPI_THREAD_MULTIPLE ? 3 : level == MPI_THREAD_SERIALIZED ? 2 : level == MPI_THREAD_FUNNELED;
    return code;
}

/* Ends MPI unless it has ended. */
int bfc_mpi_end(void) {
    int is_over = 0, code = MPI_Finalized(&is_over);
    return code || is_over ? code : MPI_Finalize();
}

/* A communicator of its own for all processes, which returns errors. */
int bfc_mpi_join(uint64_t *communicator, int *rank, int *size) {
    MPI_Comm own;
    int code = MPI_Comm_dup(MPI_COMM_WORLD, &own);
    if (!code) code = MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
    if (!code) code = MPI_Comm_rank(own, rank);
    if (!code) code = MPI_Comm_size(own, size);
    *communicator = 0;
    memcpy(communicator, &own, sizeof own);
    return code;
}

static MPI_Comm of(uint64_t handle) {
    MPI_Comm communicator;
    memcpy(&communicator, &handle, sizeof communicator);
    return communicator;
}

int bfc_mpi_leave(uint64_t communicator) {
    MPI_Comm own = of(communicator);
    return MPI_Comm_free(&own);
}

int bfc_mpi_send(uint64_t communicator, const void *bytes, int count, int to, int tag, uint64_t *request) {
    MPI_Request begun = MPI_REQUEST_NULL;
    int code = MPI_Isend(bytes, count, MPI_BYTE, to, tag, of(communicator), &begun);
    *request = 0;
    memcpy(request, &begun, sizeof begun);
    return code;
}

/* From any rank where `from` is negative. */
int bfc_mpi_receive(uint64_t communicator, void *bytes, int count, int from, int tag, uint64_t *request) {
    MPI_Request begun = MPI_REQUEST_NULL;
    int code = MPI_Irecv(bytes, count, MPI_BYTE, from < 0 ? MPI_ANY_SOURCE : from, tag, of(communicator), &begun);
    *request = 0;
    memcpy(request, &begun, sizeof begun);
    return code;
}

/* In place, of floats of 4 or 8 bytes: their sum, the least (1) or the greatest (2). */
int bfc_mpi_allreduce(uint64_t communicator, void *values, int count, int bytes, int operation, uint64_t *request) {
    MPI_Request begun = MPI_REQUEST_NULL;
    MPI_Datatype type = bytes == sizeof(double) ? MPI_DOUBLE : MPI_FLOAT;
    MPI_Op made = operation == 0 ? MPI_SUM : operation == 1 ? MPI_MIN : MPI_MAX;
    int code = MPI_Iallreduce(MPI_IN_PLACE, values, count, type, made, of(communicator), &begun);
    *request = 0;
    memcpy(request, &begun, sizeof begun);
    return code;
}

int bfc_mpi_test(uint64_t *request, int *is_done) {
    MPI_Request pending;
    memcpy(&pending, request, sizeof pending);
    int code = MPI_Test(&pending, is_done, MPI_STATUS_IGNORE);
    memcpy(request, &pending, sizeof pending);
    return code;
}

int bfc_mpi_cancel(uint64_t *request) {
    MPI_Request pending;
    memcpy(&pending, request, sizeof pending);
    int code = MPI_Cancel(&pending);
    memcpy(request, &pending, sizeof pending);
    return code;
}

/* The first `length` bytes, cut to `room` with a zero at the end. */
static void copy(char *text, int room, const char *whole, int length) {
    int bytes = length < room ? length : room - 1;
    memcpy(text, whole, bytes);
    text[bytes] = 0;
}

/* What a code means. */
void bfc_mpi_text(int code, char *text, int room) {
    char whole[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(code, whole, &length)) length = 0;
    copy(text, room, whole, length);
}

/* Whether this MPI takes addresses of GPUs, as far as it says. */
int bfc_mpi_knows_cuda(void) {
    int (*query)(void);
    *(void **)&query = dlsym(RTLD_DEFAULT, "MPIX_Query_cuda_support");
    return query ? query() : 0;
}

/* The name and version of this MPI. */
void bfc_mpi_name(char *text, int room) {
    char whole[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    if (MPI_Get_library_version(whole, &length)) length = 0;
    copy(text, room, whole, length);
}
