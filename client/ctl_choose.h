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
	{ \
		"strategy", CTL_TEXT, "NAME", "strategy", "how the candidates are ordered" \
	}

#endif
