/* SPDX-License-Identifier: MIT */
/*
 * The shape of what a caller wants said: messages, tools and tool_choice in OpenAI's form. What no
 * family could carry is refused at the door, rather than dropped or sent as something else.
 */
#ifndef LLMFO_RPC_SHAPE_H
#define LLMFO_RPC_SHAPE_H

#include "json.h"

/*
 * All return true, or false with what is wrong, naming the item, added to why. In messages, tool
 * calls and parts of a content that came as JSON text become trees.
 */
bool rpc_shape_messages(struct json *messages, struct buf *why);
/* tools: NULL or an array. */
bool rpc_shape_tools(const struct json *tools, struct buf *why);
/* choice: NULL, a string or a map. */
bool rpc_shape_choice(const struct json *tools, const struct json *choice, struct buf *why);

#endif
