/*
 * Any bytes as a capture file: nothing crashes, every view can be read from end to end, counts
 * add up, the batch size does not matter, and times are inside what can be printed.
 */
#include "capture/format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A few hundred bytes of lz4 or zstd can stand for gigabytes; that is not what is tested. */
#define FUZZ_PACKETS_MAX 200000

static uint64_t run(
    const uint8_t *data, size_t len, const char *filter, size_t batch, bool *ret_capped)
{
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const struct capture_file *file;
	struct capture *capture = NULL;
	volatile uint8_t last = 0;
	uint64_t count = 0;
	uint64_t sum = 0;
	size_t n;

	if (capture_open_memory(data, len, filter, &capture, NULL) != ST_OK)
		abort();
	while (count < FUZZ_PACKETS_MAX && (n = capture_next(capture, packets, batch, &file))) {
		for (size_t i = 0; i < n; i++) {
			const struct capture_packet *p = &packets[i];

			if (p->time_us < CAPTURE_TIME_MIN || p->time_us > CAPTURE_TIME_MAX)
				abort();
			if (p->fcs_len > p->len || p->len > WINDOW_NEED_MAX)
				abort();
			for (uint32_t k = 0; k < p->len; k++)
				sum = sum * 31 + p->data[k];
			last = (uint8_t)sum;
		}
		count += n;
	}
	(void)last;
	*ret_capped = count >= FUZZ_PACKETS_MAX;
	file = capture_files(capture, &n);
	if (file->packets - file->filtered != count)
		abort();
	if (file->packets && file->first_us > file->last_us)
		abort();
	if (file->error != ST_OK && !file->error_text[0])
		abort();
	capture_close(capture);
	return sum ^ count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	bool capped = false;
	bool capped_one = false;
	uint64_t all = run(data, len, NULL, CAPTURE_BATCH_MAX, &capped);
	uint64_t one = run(data, len, NULL, 1, &capped_one);

	if (!capped && !capped_one && all != one)
		abort();
	/* Compiling the expression costs more than everything else: a quarter of the inputs do. */
	if (len % 4 == 0)
		(void)run(data, len, "tcp dst port 23 or vlan", 16, &capped);
	return 0;
}
