/* SPDX-License-Identifier: MIT */
/* The options with which a call's candidates are named, the same for all commands that choose. */
#ifndef LLMFO_CTL_CHOOSE_H
#define LLMFO_CTL_CHOOSE_H

#define CTL_CHOOSE_OPTIONS \
	{"chain", CTL_TEXT, "NAME", "chain", "the chain to use"}, \
		{"agent", CTL_TEXT, "NAME", "agent", "the agent whose targets to use"}, \
		{"targets", CTL_LIST, "A/M,B/N", "targets", "these targets, in this order"}, \
		{"model", CTL_TEXT, "NAME", "model", "this model alone, or first"}, \
		{"provider", CTL_TEXT, "NAME", "provider", "this provider alone, or first"}, \
		{"strategy", CTL_TEXT, "NAME", "strategy", "how the candidates are ordered"}, \
		{"task", CTL_TEXT, "TYPE", "task_type", "the chain for such a task, or auto"}, \
		{"require", CTL_LIST, "CAPABILITY,...", "require", \
			"what a target must have: vision, local, region:eu"}, \
		{"prefer", CTL_LIST, "CAPABILITY,...", "prefer", \
			"what capability_match counts besides"}, \
		{"max-latency", CTL_MS, "DURATION", "max_latency_ms", "no slower target"}, \
	{ \
		"budget", CTL_TEXT, "USD", "budget_remaining_usd", "no dearer target" \
	}

#endif
