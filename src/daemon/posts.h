/*
 * The supervisor's workers: one post each, and who is at it.
 *
 * A post has at most two processes: the one at work, and a successor that prepares itself.  When it
 * has, the one before drains (its open sessions go on) and the successor begins; one that cannot share
 * what it reads waits until the one before has ended.  So a reload costs no moment.  A process
 * that dies is replaced after a back-off.
 */
#pragma once

#include "base/status.h"
#include "capture/fanout.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define POSTS_DRAINED_MAX 16 /* workers that only finish their sessions; the oldest must end */
#define POSTS_POLLS (2 * POST_COUNT)

enum post_kind {
	POST_STORE,
	POST_RESPOND,
	POST_SSH,
	POST_COURIER,
	POST_CAPTURE, /* of the first ring; those of the others follow */
	POST_COUNT = POST_CAPTURE + FANOUT_RINGS_MAX,
};

static inline bool post_is_capture(enum post_kind kind)
{
	return kind >= POST_CAPTURE && kind < POST_COUNT;
}

struct post_process {
	pid_t pid;   /* 0: none */
	int control; /* our end of its channel; it would take a closed one for our end */
	int64_t started_us;
};

struct post {
	const char *program;
	char name[32]; /* in messages */
	bool wanted;
	bool alone;    /* two at a time are one too many */
	bool renew;    /* a successor is to take over */
	bool prepared; /* next is */
	bool leaving;  /* now has been asked to end */
	struct post_process now;
	struct post_process next;
	int64_t next_us; /* no start before */
	int64_t backoff_us;
	unsigned restarts;
	char *status;    /* the last that it told; NULL */
};

struct posts;

struct posts_calls {
	/* Starts a process with its end of the channel. */
	int (*start)(void *arg, enum post_kind kind, int control, pid_t *ret_pid, struct err *err);
	/* A message that is not about the post itself; false: it is none of ours. */
	bool (*hear)(void *arg, enum post_kind kind, uint16_t type, const uint8_t *body, size_t len);
	/* A successor is prepared, with so many rules: may it begin?  If not it is ended. */
	bool (*may_begin)(void *arg, enum post_kind kind, uint32_t rules);
	/* One is at work now. */
	void (*begun)(void *arg, enum post_kind kind);
	/* The one at work has died (waitpid's status). */
	void (*died)(void *arg, enum post_kind kind, int status);
	/* One could not be confined: nothing is started any more. */
	void (*unconfined)(void *arg, enum post_kind kind);
	void (*say)(const char *line);
};

struct posts {
	struct post list[POST_COUNT];
	struct post_process drained[POSTS_DRAINED_MAX]; /* the oldest first */
	size_t drained_count;
	bool ready;   /* the store is: others may start */
	bool stopping; /* nobody is started any more */
	bool told;     /* everybody to end */
	const struct posts_calls *calls;
	void *arg;
};

/* So many captures are wanted: one for each ring. */
void posts_init(struct posts *posts, unsigned captures, const struct posts_calls *calls, void *arg);

/* Starts what is due; INT64_MAX or when (monotonic) something will be. */
int64_t posts_tend(struct posts *posts);

/* Takes note of processes that have ended. */
void posts_reap(struct posts *posts);

/* Fills POSTS_POLLS entries; takes what came. */
void posts_poll(const struct posts *posts, struct pollfd *polls);
void posts_hear(struct posts *posts, const struct pollfd *polls);

/* A successor takes over, or, when nobody is wanted there any more, nobody. */
void posts_renew(struct posts *posts, enum post_kind kind);

/* The same for all captures. */
void posts_renew_captures(struct posts *posts);

/* Is a successor still to take over anywhere? */
bool posts_renewing(const struct posts *posts);

/* To the one at work; a message that it does not take is lost. */
void posts_send(const struct posts *posts, enum post_kind kind, uint16_t type, const void *body,
    size_t len);
/* One there sent nonsense: whatever it has become, it is not ours any more. */
void posts_kill(const struct posts *posts, enum post_kind kind);

/* Ends all but the store; true when they have. */
bool posts_stop(struct posts *posts);
