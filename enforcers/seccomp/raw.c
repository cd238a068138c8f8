/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw: what is called by its name, see raw.h. */

#include "raw.h"

#include <string.h>

#if RAW

/* Where the kernel begins: argc, argv and the environment lie on the stack. */
#ifdef __x86_64__
__asm__(".pushsection .text\n.globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall raw_start\n"
        "\thlt\n.popsection");
#else
__asm__(".pushsection .text\n.globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tbl raw_start\n\tbrk #1\n"
        ".popsection");
#endif

int main(int argc, char **argv, char **environment);

void raw_start(long *stack) __attribute__((noreturn, used));
void raw_start(long *stack)
{
        char **argv = (char **)(stack + 1);

        raw_call(SYS_exit_group, main((int)*stack, argv, argv + *stack + 1), 0, 0, 0, 0, 0);
        __builtin_unreachable();
}

/* The compiler calls these by itself, too. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ((char *)to)[i] = ((const char *)from)[i];
        return to;
}

void *memset(void *to, int c, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ((char *)to)[i] = (char)c;
        return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
        const unsigned char *x = a, *y = b;

        for (size_t i = 0; i < n; i++)
                if (x[i] != y[i])
                        return x[i] - y[i];
        return 0;
}

size_t strlen(const char *s)
{
        size_t n = 0;

        while (s[n])
                n++;
        return n;
}

#endif
