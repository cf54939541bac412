/* Big tables; the contract is in large.h. */
#include "base/large.h"

#include <sys/mman.h>

#define HUGE_PAGE (2u << 20)

void *large_alloc(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (size >= HUGE_PAGE)
		(void)madvise(memory, size, MADV_HUGEPAGE); /* a wish; small pages work as well */
	return memory;
}

void large_free(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}
