/* The supervisor's workers; the contract is in posts.h. */
#include "daemon/posts.h"

#include "base/rd.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_FIRST_US 200000ll
#define BACKOFF_MAX_US 60000000ll
#define STEADY_US 30000000ll /* a worker that ran so long starts with the first back-off again */

void posts_init(struct posts *p, unsigned captures, const struct posts_calls *calls, void *arg)
{
	*p = (struct posts){
		.list = {
			[POST_STORE] = {.program = "teiten-store", .wanted = true, .alone = true},
			[POST_RESPOND] = {.program = "teiten-respond"},
			[POST_SSH] = {.program = "teiten-ssh"},
			/* Only who issued a token knows it. */
			[POST_COURIER] = {.program = "teiten-courier", .alone = true},
		},
		.calls = calls,
		.arg = arg,
	};
	for (unsigned i = 0; i < FANOUT_RINGS_MAX; i++)
		p->list[POST_CAPTURE + i] = (struct post){
			.program = "teiten-capture",
			.alone = true,
			.wanted = i < captures,
		};
	for (int i = 0; i < POST_COUNT; i++) {
		struct post *post = &p->list[i];

		if (post_is_capture((enum post_kind)i) && captures > 1)
			(void)snprintf(post->name, sizeof(post->name), "%s %d", post->program,
			    i - POST_CAPTURE + 1);
		else
			(void)snprintf(post->name, sizeof(post->name), "%s", post->program);
	}
}

static void forget(struct post_process *process)
{
	if (process->pid > 0)
		(void)close(process->control);
	*process = (struct post_process){0};
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* It finishes its sessions while its successor takes the new ones. */
static void drain(struct posts *p, struct post *post)
{
	if (p->drained_count == POSTS_DRAINED_MAX) {
		(void)kill(p->drained[0].pid, SIGTERM);
		forget(&p->drained[0]);
		p->drained_count--;
		memmove(p->drained, p->drained + 1, p->drained_count * sizeof(p->drained[0]));
	}
	(void)os_channel_send(post->now.control, WIRE_DRAIN, "", 0);
	p->drained[p->drained_count++] = post->now;
	post->now = (struct post_process){0};
}

/* Lets a prepared successor begin, once the one before is out of its way. */
static void advance(struct posts *p, enum post_kind kind)
{
	struct post *post = &p->list[kind];

	if (!post->prepared)
		return;
	if (post->now.pid > 0 && post->alone) {
		if (!post->leaving)
			(void)os_channel_send(post->now.control, WIRE_DRAIN, "", 0);
		post->leaving = true;
		return;
	}
	if (post->now.pid > 0)
		drain(p, post);
	(void)os_channel_send(post->next.control, WIRE_BEGIN, "", 0);
	post->now = post->next;
	post->next = (struct post_process){0};
	post->now.started_us = os_clock_monotonic_us();
	post->prepared = false;
	post->leaving = false;
	post->renew = false;
	p->calls->begun(p->arg, kind);
}

static int start(struct posts *p, enum post_kind kind, struct err *err)
{
	struct post *post = &p->list[kind];
	struct post_process process = {.started_us = os_clock_monotonic_us()};
	int control[2];
	int rc = os_channel_pair(control, err);

	if (rc)
		return rc;
	rc = p->calls->start(p->arg, kind, control[1], &process.pid, err);
	(void)close(control[1]);
	if (rc) {
		(void)close(control[0]);
		return rc;
	}
	process.control = control[0];
	/* The store has nobody to wait for. */
	*(kind == POST_STORE ? &post->now : &post->next) = process;
	return ST_OK;
}

/* The store first: the others need to know what it calls the sensor and its addresses. */
int64_t posts_tend(struct posts *p)
{
	int64_t now = os_clock_monotonic_us();
	int64_t due = INT64_MAX;

	for (int i = 0; i < POST_COUNT && !p->stopping; i++) {
		struct post *post = &p->list[i];
		struct err err = {0};

		if (!post->wanted || post->next.pid > 0 || (post->now.pid > 0 && !post->renew)
		    || (i != POST_STORE && !p->ready))
			continue;
		if (now >= post->next_us && start(p, (enum post_kind)i, &err)) {
			p->calls->say(err.text);
			post->next_us = now + BACKOFF_MAX_US / 10;
		}
		if (post->next_us > now && post->next_us < due)
			due = post->next_us;
	}
	return due;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void back_off(struct post *post, int64_t started_us)
{
	int64_t now = os_clock_monotonic_us();

	if (now - started_us > STEADY_US || post->backoff_us == 0)
		post->backoff_us = BACKOFF_FIRST_US;
	else
		post->backoff_us = post->backoff_us * 2 < BACKOFF_MAX_US ? post->backoff_us * 2
		                                                         : BACKOFF_MAX_US;
	post->next_us = now + post->backoff_us;
	post->restarts++;
}

static void say_end(const struct posts *p, const struct post *post, int status)
{
	char line[200];

	(void)snprintf(line, sizeof(line), "%s ended (%s %d); it starts again in %.1f s", post->name,
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    (double)post->backoff_us / 1e6);
	p->calls->say(line);
}

static void process_ended(struct posts *p, enum post_kind kind, struct post_process *process,
    int status)
{
	struct post *post = &p->list[kind];
	bool at_work = process == &post->now;
	bool asked = at_work ? post->leaving : !post->wanted || post->next_us < 0;
	int64_t started_us = process->started_us;

	forget(process);
	if (kind == POST_STORE)
		p->ready = false;
	if (!at_work)
		post->prepared = false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == START_UNCONFINED) {
		p->stopping = true;
		p->calls->unconfined(p->arg, kind);
	}
	if (p->stopping)
		return;
	if (asked) {
		post->leaving = false;
		post->next_us = 0;
		advance(p, kind);
		return;
	}
	back_off(post, started_us);
	say_end(p, post, status);
	if (at_work)
		p->calls->died(p->arg, kind, status);
	advance(p, kind); /* a successor that was prepared has nobody to wait for any more */
}

void posts_reap(struct posts *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < POST_COUNT; i++) {
			struct post *post = &p->list[i];

			if (post->now.pid == pid)
				process_ended(p, (enum post_kind)i, &post->now, status);
			else if (post->next.pid == pid)
				process_ended(p, (enum post_kind)i, &post->next, status);
		}
		for (size_t i = 0; i < p->drained_count; i++) {
			if (p->drained[i].pid != pid)
				continue;
			forget(&p->drained[i]);
			p->drained_count--;
			memmove(p->drained + i, p->drained + i + 1,
			    (p->drained_count - i) * sizeof(p->drained[0]));
		}
	}
}

/* ---- what they say -------------------------------------------------------------------------- */

static void keep_status(struct post *post, const uint8_t *body, size_t len)
{
	char *copy = realloc(post->status, len + 1);

	if (!copy)
		return;
	memcpy(copy, body, len);
	copy[len] = '\0';
	post->status = copy;
}

static void kill_nonsense(const struct posts *p, const struct post *post,
    const struct post_process *process)
{
	char line[100];

	(void)snprintf(line, sizeof(line), "%s sent what no worker of ours sends: it is killed",
	    post->name);
	p->calls->say(line);
	if (process->pid > 0)
		(void)kill(process->pid, SIGKILL);
}

/* Ends a successor that has not begun; another one may be started at once. */
static void dismiss(struct post *post)
{
	if (post->next.pid > 0)
		(void)kill(post->next.pid, SIGKILL);
	post->prepared = false;
	post->next_us = -1;
}

static void take_prepared(struct posts *p, enum post_kind kind, const uint8_t *body, size_t len)
{
	struct post *post = &p->list[kind];
	struct rd r = rd_init(body, len);
	uint32_t rules = rd_u32le(&r);

	if (r.bad || post->next_us < 0)
		return;
	if (!p->calls->may_begin(p->arg, kind, rules)) {
		dismiss(post);
		return;
	}
	post->prepared = true;
	advance(p, kind);
}

static void hear(struct posts *p, enum post_kind kind, bool at_work)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct post *post = &p->list[kind];
	struct post_process *process = at_work ? &post->now : &post->next;
	pid_t pid = process->pid;
	uint16_t type;
	size_t len;
	int rc = ST_OK;

	/* Once it has begun it is heard as the one at work. */
	while (process->pid == pid) {
		rc = os_channel_receive(process->control, &type, body, &len);
		if (rc != ST_OK)
			break;
		if (type == WIRE_PREPARED && !at_work)
			take_prepared(p, kind, body, len);
		else if (type == WIRE_STATUS && at_work)
			keep_status(post, body, len);
		else if (!at_work || !p->calls->hear(p->arg, kind, type, body, len))
			kill_nonsense(p, post, process);
	}
	if (rc == ST_MALFORMED)
		kill_nonsense(p, post, process);
	/* It has ended, or will not be told anything any more. */
	if (rc == ST_NOT_FOUND)
		(void)kill(pid, SIGKILL);
}

void posts_poll(const struct posts *p, struct pollfd *polls)
{
	for (int i = 0; i < POST_COUNT; i++) {
		const struct post *post = &p->list[i];

		polls[2 * i] = (struct pollfd){post->now.pid > 0 ? post->now.control : -1, POLLIN, 0};
		polls[2 * i + 1] =
		    (struct pollfd){post->next.pid > 0 ? post->next.control : -1, POLLIN, 0};
	}
}

void posts_hear(struct posts *p, const struct pollfd *polls)
{
	for (int i = 0; i < POST_COUNT; i++) {
		if (polls[2 * i].revents && p->list[i].now.pid > 0)
			hear(p, (enum post_kind)i, true);
		if (polls[2 * i + 1].revents && p->list[i].next.pid > 0)
			hear(p, (enum post_kind)i, false);
	}
}

/* ---- change and end ------------------------------------------------------------------------- */

void posts_renew(struct posts *p, enum post_kind kind)
{
	struct post *post = &p->list[kind];

	if (post->next.pid > 0)
		dismiss(post); /* it knows what is out of date */
	else
		post->next_us = 0;
	post->renew = post->wanted && post->now.pid > 0;
	if (!post->wanted && post->now.pid > 0)
		drain(p, post);
}

void posts_renew_captures(struct posts *p)
{
	for (int i = POST_CAPTURE; i < POST_COUNT; i++)
		posts_renew(p, (enum post_kind)i);
}

bool posts_renewing(const struct posts *p)
{
	for (int i = 0; i < POST_COUNT; i++)
		if (p->list[i].renew)
			return true;
	return false;
}

void posts_send(const struct posts *p, enum post_kind kind, uint16_t type, const void *body,
    size_t len)
{
	if (p->list[kind].now.pid > 0)
		(void)os_channel_send(p->list[kind].now.control, type, body, len);
}

void posts_kill(const struct posts *p, enum post_kind kind)
{
	const struct post *post = &p->list[kind];

	if (post->now.pid > 0 || post->next.pid == 0)
		kill_nonsense(p, post, &post->now);
	if (post->next.pid > 0)
		kill_nonsense(p, post, &post->next);
}

bool posts_stop(struct posts *p)
{
	bool others = p->drained_count > 0;

	for (int i = POST_RESPOND; i < POST_COUNT; i++)
		others = others || p->list[i].now.pid > 0 || p->list[i].next.pid > 0;
	if (!p->told) {
		p->stopping = p->told = true;
		for (int i = POST_RESPOND; i < POST_COUNT; i++) {
			if (p->list[i].now.pid > 0)
				(void)kill(p->list[i].now.pid, SIGTERM);
			if (p->list[i].next.pid > 0)
				(void)kill(p->list[i].next.pid, SIGTERM);
		}
		for (size_t i = 0; i < p->drained_count; i++)
			(void)kill(p->drained[i].pid, SIGTERM);
	}
	return !others;
}
