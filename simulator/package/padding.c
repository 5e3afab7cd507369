// Writes data that no program can compress: as many MiB as the first argument says. The second argument is the seed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    if (count != 3) return 2;
    uint64_t state = strtoull(arguments[2], NULL, 16) | 1;
    static uint64_t block[8192];
    for (long left = atol(arguments[1]) * 16; left > 0; left--) {
        for (int at = 0; at < 8192; at++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block[at] = state;
        }
        if (fwrite(block, sizeof block, 1, stdout) != 1) return 1;
    }
    return 0;
}
