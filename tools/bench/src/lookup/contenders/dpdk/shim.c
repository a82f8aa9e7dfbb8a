/*
 * What the benchmark needs of DPDK, in plain types: the configuration structures differ from release to release, and
 * only a C compiler that reads the headers knows them.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static int refuse_memfd;

/*
 * Comes before the C library's. While EAL starts it has none, so that EAL maps anonymous memory, which can have huge
 * pages; a memfd has none.
 */
int memfd_create(const char *name, unsigned int flags)
{
	if (refuse_memfd) {
		errno = ENOSYS;
		return -1;
	}
	return (int)syscall(SYS_memfd_create, name, flags);
}

static int advise(const struct rte_memseg_list *list, void *advice)
{
	const uintptr_t huge = (uintptr_t)2 << 20;
	uintptr_t first = ((uintptr_t)list->base_va + huge - 1) & ~(huge - 1);
	uintptr_t end = ((uintptr_t)list->base_va + list->len) & ~(huge - 1);

	if (first < end)
		madvise((void *)first, end - first, *(int *)advice);
	return 0;
}

/* Asks for huge pages in all of EAL's memory. Where there are none nothing changes. */
static void advise_all(int advice)
{
	rte_memseg_list_walk(advise, &advice);
}

/* Starts EAL once; returns 0, or a negative error number. */
int vrfleak_eal_start(void)
{
	static char *arguments[] = {
		"vrfleak", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "4096", "-l", "0",
		"--force-max-simd-bitwidth=512", "--log-level=*:critical", NULL,
	};
	int count = sizeof(arguments) / sizeof(arguments[0]) - 1;
	int status;

	refuse_memfd = 1;
	status = rte_eal_init(count, arguments);
	refuse_memfd = 0;
	if (status < 0)
		return -rte_errno;
	advise_all(MADV_HUGEPAGE);
	return 0;
}

/* Moves what EAL's memory holds into huge pages now. Where there are none nothing changes. */
void vrfleak_eal_collapse(void)
{
	advise_all(MADV_COLLAPSE);
}

/* Returns the bytes that EAL has handed out. */
uint64_t vrfleak_eal_bytes(void)
{
	struct rte_malloc_socket_stats stats;

	memset(&stats, 0, sizeof(stats));
	if (rte_malloc_get_socket_stats(0, &stats) != 0)
		return 0;
	return stats.heap_allocsz_bytes;
}

struct rte_fib *vrfleak_fib_create(const char *name, int entry_log2, uint64_t default_next_hop, uint32_t routes,
				   uint32_t tables8)
{
	struct rte_fib_conf conf;

	memset(&conf, 0, sizeof(conf));
	conf.type = RTE_FIB_DIR24_8;
	conf.default_nh = default_next_hop;
	conf.max_routes = (int)routes;
	conf.dir24_8.nh_sz = (enum rte_fib_dir24_8_nh_sz)entry_log2;
	conf.dir24_8.num_tbl8 = tables8;
	return rte_fib_create(name, 0, &conf);
}

/* Selects AVX-512; returns whether the processor has it. */
int vrfleak_fib_avx512(struct rte_fib *fib)
{
	return rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512) == 0;
}

struct rte_fib6 *vrfleak_fib6_create(const char *name, int entry_log2, uint64_t default_next_hop, uint32_t routes,
				     uint32_t tables8)
{
	struct rte_fib6_conf conf;

	memset(&conf, 0, sizeof(conf));
	conf.type = RTE_FIB6_TRIE;
	conf.default_nh = default_next_hop;
	conf.max_routes = (int)routes;
	conf.trie.nh_sz = (enum rte_fib_trie_nh_sz)entry_log2;
	conf.trie.num_tbl8 = tables8;
	return rte_fib6_create(name, 0, &conf);
}

int vrfleak_fib6_avx512(struct rte_fib6 *fib)
{
	return rte_fib6_select_lookup(fib, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512) == 0;
}

int vrfleak_fib6_add(struct rte_fib6 *fib, const uint8_t *address, uint8_t len, uint64_t next_hop)
{
	return rte_fib6_add(fib, (void *)(uintptr_t)address, len, next_hop);
}

int vrfleak_fib6_delete(struct rte_fib6 *fib, const uint8_t *address, uint8_t len)
{
	return rte_fib6_delete(fib, (void *)(uintptr_t)address, len);
}

int vrfleak_fib6_lookup(struct rte_fib6 *fib, const uint8_t *addresses, uint64_t *next_hops, int count)
{
	return rte_fib6_lookup_bulk(fib, (void *)(uintptr_t)addresses, next_hops, count);
}
