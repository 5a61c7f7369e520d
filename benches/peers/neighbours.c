/* Averages with the rank before, by hand over MPI: Irecv, Isend, Waitall, and one fused sum into a second vector. The peer of
 * `cargo bench -p bfc-runtime --bench mpi`:  mpicc -O3 -march=native neighbours.c && mpirun -n 2 ./a.out */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 31 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int rank, size;

static void step(float *restrict x, float *restrict sum, float *restrict y, int length) {
    MPI_Request requests[2];
    MPI_Irecv(y, length, MPI_FLOAT, (rank + size - 1) % size, 1, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(x, length, MPI_FLOAT, (rank + 1) % size, 1, MPI_COMM_WORLD, &requests[1]);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    for (int i = 0; i < length; i++) sum[i] = 0.5f * x[i] + 0.5f * y[i];
}

static void measure(int length, int times) {
    double turns[TURNS];
    float *x = malloc(length * sizeof *x), *sum = malloc(length * sizeof *x), *y = malloc(length * sizeof *x);
    for (int i = 0; i < length; i++) x[i] = sum[i] = y[i] = rank;
    for (int turn = -1; turn < TURNS; turn++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double start = MPI_Wtime();
        for (int i = 0; i < times; i++) {
            step(x, sum, y, length);
            float *swap = x;
            x = sum, sum = swap;
        }
        if (turn >= 0) turns[turn] = (MPI_Wtime() - start) / times;
    }
    qsort(turns, TURNS, sizeof *turns, compare);
    if (rank == 0) printf("%10d floats %12.2f us %12.2f us\n", length, turns[TURNS / 2] * 1e6, turns[0] * 1e6);
    free(x), free(sum), free(y);
}

int main(int count, char **arguments) {
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int lengths[] = {1024, 16384, 262144, 2621440, 25000000};
    for (int i = 0; i < 5; i++) measure(lengths[i], lengths[i] < 100000 ? 1000 : lengths[i] < 1000000 ? 50 : 1);
    MPI_Finalize();
}
