/* The graph of a pipeline as text: a tree for terminals, or DOT. Pure.
 *
 *   full_analysis: 5 steps
 *
 *   extract_menu  menu.extract
 *   ├─ analyze_bcg  menu.bcg
 *   └─ competitors  menu.competitors, for each steps.extract_menu.result.names, 8 at once
 *      └─ campaigns  menu.campaigns (also after analyze_bcg)
 *   finally clean_up  menu.clean
 *
 * Each step appears once, under the last of the steps that it needs; its other needs are named
 * beside it. */
#ifndef MARATHON_CLI_GRAPH_H
#define MARATHON_CLI_GRAPH_H

#include "cli/text.h"
#include "model/pipeline.h"

void graph_put_tree(struct buf *out, const struct pipeline *p, const struct text_style *style);
/* A digraph for Graphviz: solid edges are needs. */
void graph_put_dot(struct buf *out, const struct pipeline *p);

#endif
