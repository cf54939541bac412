/* Numbers of ports; the contract is in port_index.h. */
#include "report/port_index.h"

#include <stdlib.h>

#define PAGE_BITS 12
#define PAGE_SIZE (1u << PAGE_BITS)
#define PAGES (1u << (24 - PAGE_BITS)) /* protocol and port are 24 bits */

size_t port_index_get(struct port_index *index, uint32_t key)
{
	uint32_t **page;
	uint32_t *at;

	if (!index->pages)
		index->pages = calloc(PAGES, sizeof(*index->pages));
	if (!index->pages)
		return SIZE_MAX;
	page = &index->pages[(key >> PAGE_BITS) % PAGES];
	if (!*page)
		*page = calloc(PAGE_SIZE, sizeof(**page));
	if (!*page)
		return SIZE_MAX;
	at = *page + key % PAGE_SIZE;
	if (!*at)
		*at = (uint32_t)++index->count;
	return *at - 1;
}

size_t port_index_find(const struct port_index *index, uint32_t key)
{
	const uint32_t *page = index->pages ? index->pages[(key >> PAGE_BITS) % PAGES] : NULL;
	uint32_t at = page ? page[key % PAGE_SIZE] : 0;

	return at ? at - 1 : SIZE_MAX;
}

int port_index_each(const struct port_index *index,
    int (*each)(void *arg, uint32_t key, size_t number), void *arg)
{
	int rc = 0;

	for (uint32_t i = 0; index->pages && i < PAGES; i++)
		for (uint32_t j = 0; index->pages[i] && j < PAGE_SIZE && !rc; j++)
			if (index->pages[i][j])
				rc = each(arg, i << PAGE_BITS | j, index->pages[i][j] - 1);
	return rc;
}

void port_index_fini(struct port_index *index)
{
	for (size_t i = 0; index->pages && i < PAGES; i++)
		free(index->pages[i]);
	free(index->pages);
	*index = (struct port_index){0};
}
