/* The control socket; the contract is in control.h. */
#include "daemon/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int fd; /* -1: free */
	bool tails;
};

struct control {
	int fd;
	struct sockaddr_un address;
	struct client clients[CONTROL_CLIENTS_MAX];
	void (*status)(void *arg, struct buf *b);
	void (*tail)(void *arg, bool wanted);
	void *arg;
};

int control_open(const char *path, void (*status)(void *arg, struct buf *b),
    void (*tail)(void *arg, bool wanted), void *arg, struct control **ret_control, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	mode_t before;
	int rc = c ? ST_OK : -ENOMEM;

	if (rc)
		return err_set(err, rc, "out of memory");
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	c->status = status;
	c->tail = tail;
	c->arg = arg;
	c->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(c->address.sun_path)) {
		free(c);
		return err_set(err, ST_LIMIT, "%s: too long for a socket's name; choose a shorter "
		    "store.path", path);
	}
	memcpy(c->address.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)unlink(path);
	before = umask(077);
	if (c->fd < 0
	    || bind(c->fd, (const struct sockaddr *)&c->address, sizeof(c->address)) != 0
	    || listen(c->fd, CONTROL_CLIENTS_MAX) != 0)
		rc = -errno;
	(void)umask(before);
	if (rc) {
		rc = err_set(err, rc, "%s: %s", path, st_text(rc));
		if (c->fd >= 0)
			(void)close(c->fd);
		free(c);
		return rc;
	}
	*ret_control = c;
	return ST_OK;
}

static void drop(struct control *c, struct client *client)
{
	bool tailed = client->tails;

	(void)close(client->fd);
	client->fd = -1;
	client->tails = false;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		tailed = tailed && !(c->clients[i].fd >= 0 && c->clients[i].tails);
	if (tailed)
		c->tail(c->arg, false);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0)
			(void)close(c->clients[i].fd);
	(void)close(c->fd);
	(void)unlink(c->address.sun_path);
	free(c);
}

size_t control_polls(const struct control *c, struct pollfd *polls)
{
	polls[0] = (struct pollfd){c->fd, POLLIN, 0};
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		polls[1 + i] = (struct pollfd){c->clients[i].fd, POLLIN, 0};
	return CONTROL_POLLS_MAX;
}

static void accept_client(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd < 0) {
			c->clients[i].fd = fd;
			return;
		}
	if (fd >= 0)
		(void)close(fd);
}

static void hear(struct control *c, struct client *client)
{
	char line[64];
	ssize_t n = recv(client->fd, line, sizeof(line) - 1, 0);
	struct buf b = {0};

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(c, client);
		return;
	}
	line[n] = '\0';
	if (strncmp(line, "tail", 4) == 0) {
		client->tails = true;
		c->tail(c->arg, true);
		return;
	}
	if (strncmp(line, "status", 6) == 0)
		c->status(c->arg, &b);
	else
		buf_puts(&b, "{\"error\":\"ask for status or tail\"}\n");
	(void)send(client->fd, buf_text(&b), b.len, MSG_NOSIGNAL);
	buf_fini(&b);
	drop(c, client);
}

void control_turn(struct control *c, const struct pollfd *polls)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (polls[1 + i].revents && c->clients[i].fd >= 0)
			hear(c, &c->clients[i]);
	if (polls[0].revents)
		accept_client(c);
}

void control_tail(struct control *c, const char *line, size_t len)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0 && c->clients[i].tails
		    && send(c->clients[i].fd, line, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			drop(c, &c->clients[i]);
}
