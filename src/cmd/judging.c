/* What the configuration says about judging; the contract is in judging.h. */
#include "cmd/judging.h"

#include "cmd/command.h"

static struct store_judging known; /* for as long as the program runs */
static struct research *networks;

static int read_once(struct err *err)
{
	return networks ? ST_OK
	                : store_judging_read(command_configuration(), &known, &networks, err);
}

int judging_research(const struct research **ret_research, struct err *err)
{
	int rc = read_once(err);

	*ret_research = networks;
	return rc;
}

int judging_options(struct store_options *options, struct err *err)
{
	int rc = read_once(err);

	options->judging = known;
	return rc;
}
