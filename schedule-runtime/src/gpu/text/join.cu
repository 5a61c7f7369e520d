// The sums of blocks, each of eight in order, then added in pairs of neighbours until one is left.
KERNEL(join, { u64 blocks; const f64 *lanes; f64 *sums; }) {
    EACH_OF_BLOCK(block, a.blocks) {
        f64 sum = 0;
        for (u64 lane = 0; lane < 8; ++lane) sum = sum + a.lanes[block * 8 + lane];
        a.sums[block] = sum;
    }
    for (u64 apart = 1; apart < a.blocks; apart *= 2) {
        SYNC();
        EACH_OF_BLOCK(pair, (a.blocks + 2 * apart - 1) / (2 * apart)) {
            u64 left = 2 * pair * apart, right = left + apart;
            if (right < a.blocks) a.sums[left] = a.sums[left] + a.sums[right];
        }
    }
}
