#include "due_heap.h"

#include <stdlib.h>

#include "xalloc.h"

void due_heap_done(struct due_heap *heap) {
        free(heap->nodes);
        *heap = (struct due_heap){0};
}

static void place(struct due_heap *heap, struct due_node *node, size_t index) {
        heap->nodes[index - 1] = node;
        node->index = index;
}

static void rise(struct due_heap *heap, struct due_node *node) {
        size_t index = node->index;

        for (; index > 1 && heap->nodes[index / 2 - 1]->at > node->at; index /= 2)
                place(heap, heap->nodes[index / 2 - 1], index);
        place(heap, node, index);
}

static void sink(struct due_heap *heap, struct due_node *node) {
        size_t index = node->index;

        for (size_t child; (child = 2 * index) <= heap->count; index = child) {
                if (child < heap->count && heap->nodes[child]->at < heap->nodes[child - 1]->at)
                        child++;
                if (heap->nodes[child - 1]->at >= node->at)
                        break;
                place(heap, heap->nodes[child - 1], index);
        }
        place(heap, node, index);
}

static void take_out(struct due_heap *heap, struct due_node *node) {
        struct due_node *last = heap->nodes[--heap->count];
        size_t index = node->index;

        node->index = 0;
        if (last == node)
                return;
        place(heap, last, index);
        rise(heap, last);
        sink(heap, last);
}

void due_heap_set(struct due_heap *heap, struct due_node *node, usec_t at) {
        node->at = at;
        if (at == USEC_INFINITY) {
                if (node->index > 0)
                        take_out(heap, node);
                return;
        }
        if (node->index == 0) {
                GROW(heap->nodes, heap->count, heap->capacity);
                place(heap, node, ++heap->count);
        }
        rise(heap, node);
        sink(heap, node);
}

struct due_node *due_heap_first(const struct due_heap *heap) {
        return heap->count > 0 ? heap->nodes[0] : NULL;
}
