#include <stdio.h>

int main(void)
{
    (void)fputs("kulla: not built yet\n", stderr);
    return 2;
}
