/* SPDX-License-Identifier: MIT */
/* See checker.h. */
#include "checker.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"

/* One provider's check, if one runs. */
struct slot {
	struct checker *checker;
	struct check *check; /* NULL: none runs */
	char **models; /* of its targets in doubt, NULL-terminated; the strings are borrowed */
};

struct checker {
	struct clock *clock;
	struct transport *transport;
	struct health *health;
	struct events *events;
	struct config *config; /* a reference; NULL before the first checker_configure() */
	struct slot *slots;    /* parallel to config->providers */
	struct clock_timer timer;
	bool stopped;
};

struct checker *
checker_new(struct clock *clock, struct transport *transport, struct health *health,
	struct events *events)
{
	struct checker *checker = x_calloc(1, sizeof *checker);

	checker->clock = clock;
	checker->transport = transport;
	checker->health = health;
	checker->events = events;
	return checker;
}

static void
drop_config(struct checker *checker)
{
	if (!checker->config)
		return;
	clock_stop(checker->clock, &checker->timer);
	for (size_t i = 0; i < checker->config->provider_count; i++) {
		if (checker->slots[i].check)
			check_cancel(checker->slots[i].check);
		free(checker->slots[i].models);
	}
	free(checker->slots);
	config_unref(checker->config);
	checker->config = NULL;
}

void
checker_stop(struct checker *checker)
{
	checker->stopped = true;
	drop_config(checker);
}

void
checker_free(struct checker *checker)
{
	if (!checker)
		return;
	drop_config(checker);
	free(checker);
}

void
checker_configure(struct checker *checker, struct config *config)
{
	drop_config(checker);
	if (checker->stopped)
		return;
	checker->config = config_ref(config);
	checker->slots = x_calloc(config->provider_count, sizeof checker->slots[0]);
	for (size_t i = 0; i < config->provider_count; i++)
		checker->slots[i].checker = checker;
	checker_consider(checker);
}

/* A target of which one asks whether some chain passes it over. */
struct better {
	const struct config *config;
	const char *target;
	bool found;
};

static size_t
place_of(const struct config_chain *chain, const char *target)
{
	size_t place = 0;

	while (place < chain->target_count && strcmp(chain->targets[place]->name, target) != 0)
		place++;
	return place;
}

static void
look_behind(const struct health_preferred *preferred, void *arg)
{
	struct better *better = arg;

	for (size_t i = 0; i < better->config->chain_count; i++) {
		const struct config_chain *chain = better->config->chains[i];
		size_t place = place_of(chain, preferred->target);

		if (strcmp(chain->memory, preferred->chain) == 0 && place < chain->target_count)
			better->found |= place_of(chain, better->target) < place;
	}
}

/* Does an entry stand for a chain in which this target has the better place? */
static bool
is_better(const struct checker *checker, const char *target, int64_t now_ms)
{
	struct better better = {.config = checker->config, .target = target};

	health_each_preferred(checker->health, now_ms, look_behind, &better);
	return better.found;
}

/* Would it help to know that this target is well again? */
static bool
in_doubt(const struct checker *checker, const char *target, int64_t now_ms)
{
	const struct health_subject *subject = health_find(checker->health, HEALTH_TARGET, target);

	return subject && !subject->disabled &&
		(circuit_checkable(&subject->circuit, now_ms) ||
			(health_passed_over(checker->health, NULL, subject, now_ms, NULL) &&
				outcome_rule(subject->last_error.class)->early &&
				is_better(checker, target, now_ms)));
}

static bool
provider_in_doubt(
	const struct checker *checker, const struct config_provider *provider, int64_t now_ms)
{
	const struct health_subject *subject =
		health_find(checker->health, HEALTH_PROVIDER, provider->name);

	return subject && !subject->disabled && circuit_checkable(&subject->circuit, now_ms);
}

/* Lists a provider's targets in doubt; true if it should be checked at all. */
static bool
gather(const struct checker *checker, const struct config_provider *provider, char ***models,
	int64_t now_ms)
{
	const struct config *config = checker->config;
	size_t count = 0;

	*models = x_calloc(config->target_count + 1, sizeof(char *));
	for (size_t i = 0; i < config->target_count; i++)
		if (config->targets[i]->provider == provider &&
			in_doubt(checker, config->targets[i]->name, now_ms))
			(*models)[count++] = config->targets[i]->model;
	return provider->configured && (count > 0 || provider_in_doubt(checker, provider, now_ms));
}

static bool
is_missing(const struct check_result *result, const char *model)
{
	for (size_t i = 0; result->models_missing[i]; i++)
		if (strcmp(result->models_missing[i], model) == 0)
			return true;
	return false;
}

/* A provider that answers is well, and so are those of its models that it lists. */
static void
note_well(struct checker *checker, const struct slot *slot, const struct check_result *result)
{
	const char *provider = result->provider->name;
	int64_t now_ms = clock_now_ms(checker->clock);

	if (health_checked_well(checker->health, provider, NULL, now_ms))
		log_info("active check of provider %s went well: it is half-open", provider);
	for (size_t i = 0; slot->models[i]; i++) {
		char *target = x_asprintf("%s/%s", provider, slot->models[i]);

		if (!is_missing(result, slot->models[i]) &&
			health_checked_well(checker->health, provider, target, now_ms))
			log_info("active check of provider %s went well: %s is half-open", provider,
				target);
		free(target);
	}
	event_circuits(checker->events);
}

static void
on_checked(void *arg, const struct check_result *result)
{
	struct slot *slot = arg;

	slot->check = NULL;
	if (result->well)
		note_well(slot->checker, slot, result);
	else
		log_debug("active check of provider %s: %s (%s)", result->provider->name,
			outcome_text(result->outcome.class), result->outcome.message);
}

static void
on_interval(void *arg)
{
	struct checker *checker = arg;
	int64_t now_ms = clock_now_ms(checker->clock);

	for (size_t i = 0; i < checker->config->provider_count; i++) {
		struct slot *slot = &checker->slots[i];
		struct config_provider *provider = checker->config->providers[i];
		char **models;

		if (slot->check)
			continue;
		if (gather(checker, provider, &models, now_ms)) {
			free(slot->models);
			slot->models = models;
			slot->check = check_start(checker->clock, checker->transport, provider,
				models, on_checked, slot);
		} else {
			free(models);
		}
	}
	checker_consider(checker);
}

void
checker_consider(struct checker *checker)
{
	int64_t now_ms = clock_now_ms(checker->clock);
	const struct config *config = checker->config;
	bool reason = false;

	if (!config || !config->active_checks || config->check_interval_ms <= 0 ||
		clock_running(&checker->timer))
		return;
	for (size_t i = 0; i < config->target_count && !reason; i++)
		reason = in_doubt(checker, config->targets[i]->name, now_ms);
	for (size_t i = 0; i < config->provider_count && !reason; i++)
		reason = provider_in_doubt(checker, config->providers[i], now_ms);
	if (reason)
		clock_start(checker->clock, &checker->timer, now_ms + config->check_interval_ms,
			on_interval, checker);
}
