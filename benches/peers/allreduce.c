/* MPI_Allreduce, which blocks, MPI_Iallreduce and MPI_Bcast in place, for benches/results:
 * mpicc -O2 allreduce.c && mpirun -np 4 ./a.out */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 9 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void reduce(float *x, int length) {
    MPI_Allreduce(MPI_IN_PLACE, x, length, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

/* Until it is done, as whoever has a deadline has to wait. */
static void reduce_pending(float *x, int length) {
    MPI_Request request;
    int is_done = 0;
    MPI_Iallreduce(MPI_IN_PLACE, x, length, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, &request);
    while (!is_done) MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
}

static void broadcast(float *x, int length) {
    MPI_Bcast(x, length, MPI_FLOAT, 0, MPI_COMM_WORLD);
}

/* Prints the median and the least time of a call in milliseconds. */
static void measure(const char *name, void (*call)(float *, int), int length, int times) {
    int rank;
    double turns[TURNS];
    float *x = malloc(length * sizeof *x);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* Sums of sums stay 0. */
    for (int i = 0; i < length; i++) x[i] = 0;
    call(x, length);
    for (int turn = 0; turn < TURNS; turn++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double start = MPI_Wtime();
        for (int i = 0; i < times; i++) call(x, length);
        turns[turn] = (MPI_Wtime() - start) / times;
    }
    qsort(turns, TURNS, sizeof *turns, compare);
    if (rank == 0) printf("%s, %d floats: %.3f %.3f\n", name, length, turns[TURNS / 2] * 1e3, turns[0] * 1e3);
    free(x);
}

int main(int count, char **arguments) {
    MPI_Init(&count, &arguments);
    int lengths[] = {1024, 16384, 262144, 2621440, 25000000}, times[] = {300, 100, 30, 2, 1};
    for (int i = 0; i < 5; i++) {
        measure("allreduce", reduce, lengths[i], times[i]);
        measure("iallreduce", reduce_pending, lengths[i], times[i]);
        measure("broadcast", broadcast, lengths[i], times[i]);
    }
    MPI_Finalize();
}
