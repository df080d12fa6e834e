/* SPDX-License-Identifier: MIT */
/* Layers: what wins, what goes, what is refused; in every order of the members of a layer. */
#include "archive_support.h"

#define MAX_LAYERS	3
#define MAX_ITEMS	8

#define DIR(n)		{ .name = n, .mode = 040750 }
#define FILE_(n, d)	{ .name = n, .data = d }
#define LINK(n, t)	{ .name = n, .mode = 0120777, .data = t }

struct merge_case {
	const char *name;
	struct item layers[MAX_LAYERS][MAX_ITEMS];	/* up to an item without a name */
	const char *expected;		/* without the root; NULL: refused */
	enum om_status status;
	const char *text;
};

static const struct merge_case merge_cases[] = {
	{ "one layer", { { DIR("a"), FILE_("a/b", "1"), LINK("l", "a/b") } },
	  "a d750 0:0\na/b -644 0:0 =1\nl l777 0:0 ->a/b\n", 0, 0 },
	{ "parents are made", { { FILE_("a/b/c", "1") } },
	  "a d755 0:0\na/b d755 0:0\na/b/c -644 0:0 =1\n", 0, 0 },
	{ "dots and slashes", { { FILE_("./a//b/./c", "1"), DIR("./d/") } },
	  "a d755 0:0\na/b d755 0:0\na/b/c -644 0:0 =1\nd d750 0:0\n", 0, 0 },
	{ "sorted, parents first", { { FILE_("b", ""), FILE_("a-", ""), FILE_("a/x", ""),
				       FILE_("ab", "") } },
	  "a d755 0:0\na/x -644 0:0 =\na- -644 0:0 =\nab -644 0:0 =\nb -644 0:0 =\n", 0, 0 },
	{ "later layer wins", { { FILE_("a", "1") }, { FILE_("a", "2") }, { FILE_("a", "3") } },
	  "a -644 0:0 =3\n", 0, 0 },
	{ "later member wins", { { FILE_("a", "1"), FILE_("a", "2") } }, "a -644 0:0 =2\n", 0, 0 },
	{ "directories merge", { { DIR("a"), FILE_("a/1", "") },
				 { { .name = "a", .mode = 040700, .uid = 5 }, FILE_("a/2", "") } },
	  "a d700 5:0\na/1 -644 0:0 =\na/2 -644 0:0 =\n", 0, 0 },
	{ "an implied directory leaves the lower one as it is",
	  { { { .name = "a", .mode = 040700, .uid = 5 } }, { FILE_("a/2", "") } },
	  "a d700 5:0\na/2 -644 0:0 =\n", 0, 0 },
	{ "directory over file", { { FILE_("a", "1") }, { DIR("a") } }, "a d750 0:0\n", 0, 0 },
	{ "implied directory over file", { { FILE_("a", "1") }, { FILE_("a/b", "2") } },
	  "a d755 0:0\na/b -644 0:0 =2\n", 0, 0 },
	{ "file over directory", { { FILE_("a/b/c", "1") }, { FILE_("a", "2") } },
	  "a -644 0:0 =2\n", 0, 0 },
	{ "symlink over directory", { { FILE_("a/b/c", "1") }, { LINK("a", "b") } },
	  "a l777 0:0 ->b\n", 0, 0 },
	{ "directory over symlink", { { LINK("a", "b"), DIR("b") }, { DIR("a"), FILE_("a/x", "1") } },
	  "a d750 0:0\na/x -644 0:0 =1\nb d750 0:0\n", 0, 0 },
	{ "file over symlink", { { LINK("a", "b"), FILE_("b", "1") }, { FILE_("a", "2") } },
	  "a -644 0:0 =2\nb -644 0:0 =1\n", 0, 0 },
	{ "metadata of the root", { { { .name = ".", .mode = 040700 } } }, "", 0, 0 },

	{ "whiteout of a file", { { FILE_("a", "1"), FILE_("b", "2") }, { FILE_(".wh.a", "") } },
	  "b -644 0:0 =2\n", 0, 0 },
	{ "whiteout of a directory", { { FILE_("a/b/c", "1"), FILE_("d", "") },
				       { FILE_(".wh.a", "") } }, "d -644 0:0 =\n", 0, 0 },
	{ "whiteout of nothing makes nothing", { { DIR("a") }, { FILE_("x/y/.wh.a", "") } },
	  "a d750 0:0\n", 0, 0 },
	{ "whiteout of the same layer's file spares it", { { FILE_("a", "1") },
	  { FILE_("a", "2"), FILE_(".wh.a", "") } }, "a -644 0:0 =2\n", 0, 0 },
	{ "whiteout and new directory", { { FILE_("a/old", "1") },
	  { FILE_(".wh.a", ""), FILE_("a/new", "2") } },
	  "a d755 0:0\na/new -644 0:0 =2\n", 0, 0 },
	{ "whiteout below an implied directory", { { DIR("a"), FILE_("a/1", ""), FILE_("a/2", "") },
	  { FILE_("a/.wh.1", "") } }, "a d750 0:0\na/2 -644 0:0 =\n", 0, 0 },
	{ "whiteout reaches all lower layers", { { FILE_("a/1", "") }, { FILE_("a/2", "") },
						 { FILE_(".wh.a", "") } }, "", 0, 0 },
	{ "and comes back later", { { FILE_("a", "1") }, { FILE_(".wh.a", "") },
				    { FILE_("a", "3") } }, "a -644 0:0 =3\n", 0, 0 },
	{ "opaque", { { DIR("a"), FILE_("a/1/2", "") }, { FILE_("a/.wh..wh..opq", ""),
							 FILE_("a/3", "") } },
	  "a d750 0:0\na/3 -644 0:0 =\n", 0, 0 },
	{ "opaque root", { { FILE_("a/1/2", ""), FILE_("b", "") }, { FILE_(".wh..wh..opq", ""),
								  FILE_("c", "") } },
	  "c -644 0:0 =\n", 0, 0 },
	{ "opaque in a new directory", { { DIR("b") }, { DIR("a"), FILE_("a/.wh..wh..opq", "") } },
	  "a d750 0:0\nb d750 0:0\n", 0, 0 },
	{ "whiteout takes the symlink away", { { LINK("a", "b") }, { FILE_(".wh.a", ""),
								     FILE_("a/x", "1") } },
	  "a d755 0:0\na/x -644 0:0 =1\n", 0, 0 },
	{ "whiteouts in the first layer", { { FILE_(".wh.a", ""), FILE_("b", "") } },
	  "b -644 0:0 =\n", 0, 0 },
	{ "a whiteout by whiteout's name", { { FILE_("a", "") }, { FILE_(".wh.wh.a", "") } },
	  "a -644 0:0 =\n", 0, 0 },

	{ "..", { { FILE_("../a", "") } }, 0, OM_ESCAPES, "layer one: ../a: the name climbs" },
	{ ".. inside", { { FILE_("a/../../b", "") } }, 0, OM_ESCAPES, "a/../../b" },
	{ "absolute", { { FILE_("/a", "") } }, 0, OM_ESCAPES, "layer one: /a: an absolute name" },
	{ "below a symlink of the layer", { { LINK("a", "/tmp"), FILE_("a/b", "") } }, 0,
	  OM_ESCAPES, "layer one: a/b: lies below a symbolic link" },
	{ "below a symlink of a lower layer", { { LINK("a", "/tmp") }, { FILE_("a/b", "") } }, 0,
	  OM_ESCAPES, "layer two: a: has members below it, but it is a symbolic link of layer one" },
	{ "whiteout below a symlink", { { LINK("a", "b"), FILE_("b/x", "") },
					{ FILE_("a/.wh.x", "") } }, 0, OM_ESCAPES, "layer two: a" },
	{ "below a file of the layer", { { FILE_("a", ""), FILE_("a/b", "") } }, 0, OM_TYPE,
	  "a/b: lies below something that is no directory" },
	{ "file over a full directory of the layer", { { FILE_("a/b", ""), FILE_("a", "") } }, 0,
	  OM_TYPE, "a: the same layer has a directory" },
	{ "root is a file", { { FILE_(".", "x") } }, 0, OM_TYPE, "root of a layer" },
	{ "whiteout with data", { { FILE_(".wh.a", "x") } }, 0, OM_TYPE, "must be empty" },
	{ "whiteout is a directory", { { DIR(".wh.a") } }, 0, OM_TYPE, "must be a regular file" },
	{ "whiteout of nothing", { { FILE_("a/.wh.", "") } }, 0, OM_SYNTAX, "names nothing" },
	{ "whiteout of dot", { { FILE_("a/.wh..", "") } }, 0, OM_SYNTAX, "names nothing" },
	{ "whiteout of dotdot", { { FILE_("a/.wh...", "") } }, 0, OM_SYNTAX, "names nothing" },
	{ "other aufs files", { { FILE_(".wh..wh.plnk", "") } }, 0, OM_UNSUPPORTED,
	  "unknown kind of whiteout" },
	{ "below a whiteout", { { FILE_(".wh.a/b", "") } }, 0, OM_SYNTAX, "below a whiteout" },
};

static const char *const layer_names[MAX_LAYERS] = { "one", "two", "three" };

/* Members of a layer in reverse order where REVERSED has its bit; cpio or tar. */
static enum om_status build(struct om_tree *tree, const struct om_mem *mem,
			    const struct merge_case *test, unsigned reversed, bool tar,
			    struct test_source *sources)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .no_devices = true,
					   .no_manifest = true };
	enum om_status status;
	size_t i, count;

	memset(sources, 0, MAX_LAYERS * sizeof(*sources));
	status = om_tree_init(tree, mem, &options);
	for (i = 0; i < MAX_LAYERS && test->layers[i][0].name && status == OM_OK; i++) {
		struct archive archive = { 0 };

		for (count = 0; count < MAX_ITEMS && test->layers[i][count].name; count++)
			;
		for (size_t j = 0; j < count; j++) {
			struct item item = test->layers[i][reversed & 1u << i ?
							   count - 1 - j : j];

			if (tar && (item.mode & 0170000) == 0120000) {
				item.link = item.data;
				item.data = NULL;
			}
			(tar ? tar_put : cpio_put)(&archive, &item);
		}
		(tar ? tar_end : cpio_end)(&archive);
		test_source_init(&sources[i], &archive, i == 1);
		archive_free(&archive);
		status = tar ? om_tree_add_tar(tree, layer_names[i], &sources[i].source) :
			       om_tree_add_cpio(tree, layer_names[i], &sources[i].source);
	}
	return status == OM_OK ? om_tree_finish(tree) : status;
}

static void check_merge(const struct merge_case *test, unsigned reversed, bool tar)
{
	struct test_source sources[MAX_LAYERS];
	struct test_mem mem;
	struct om_tree tree;
	enum om_status status;

	test_mem_init(&mem, 0);
	status = build(&tree, &mem.mem, test, reversed, tar, sources);
	if (status != test->status)
		fail_msg("%s (order %u, %s): %s '%s', expected %s", test->name, reversed,
			 tar ? "tar" : "cpio", om_status_text(status), tree.diag.text,
			 om_status_text(test->status));
	if (test->expected) {
		char *text = tree_text(&tree, false);

		assert_text(test->name, strchr(text, '\n') + 1, test->expected);
		free(text);
	} else if (!strstr(tree.diag.text, test->text)) {
		fail_msg("%s: '%s', expected '%s'", test->name, tree.diag.text, test->text);
	}
	om_tree_release(&tree);
	for (size_t i = 0; i < MAX_LAYERS; i++)
		test_source_free(&sources[i]);
	test_mem_check(&mem);
}

static void test_merge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(merge_cases); i++) {
		check_merge(&merge_cases[i], 0, false);
		check_merge(&merge_cases[i], 0, true);
	}
}

/* Whiteouts, opaque marks and parents mean the same wherever they stand. */
static void test_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(merge_cases); i++) {
		const char *name = merge_cases[i].name;

		/* The order of members of one layer says which wins there, and what is a parent. */
		if (!merge_cases[i].expected || !strcmp(name, "later member wins"))
			continue;
		for (unsigned reversed = 1; reversed < 8; reversed++)
			check_merge(&merge_cases[i], reversed, false);
	}
}

static enum om_status build_with(const struct om_mem *mem, void *ctx)
{
	struct test_source sources[MAX_LAYERS];
	enum om_status status;
	struct om_tree tree;

	status = build(&tree, mem, ctx, 0, false, sources);
	om_tree_release(&tree);
	for (size_t i = 0; i < MAX_LAYERS; i++)
		test_source_free(&sources[i]);
	return status;
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(merge_cases); i++)
		if (merge_cases[i].expected)
			assert_true(test_each_allocation_fails(build_with,
							       (void *)&merge_cases[i]) >= 1);
}

/* ------------------------------------------------------------------ beyond the table */

static struct test_mem mem;
static struct om_tree tree;

static void begin(bool devices, bool manifest)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX,
					   .no_devices = !devices, .no_manifest = !manifest };

	test_mem_init(&mem, 0);
	assert_int_equal(om_tree_init(&tree, &mem.mem, &options), OM_OK);
}

static void end(void)
{
	om_tree_release(&tree);
	test_mem_check(&mem);
}

static enum om_status add(const char *path, uint32_t mode, const char *link)
{
	struct om_member member = {
		.path = om_str_from(path), .mode = mode, .nlink = 1, .link = om_str_from(link),
	};

	return om_tree_add_member(&tree, &member, NULL);
}

static void check_tree(const char *what, bool layers, const char *expected)
{
	char *text = tree_text(&tree, layers);

	assert_text(what, text, expected);
	free(text);
}

static void test_always_there(void **state)
{
	(void)state;
	begin(true, true);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	check_tree("empty", true,
		   ". d755 0:0 [overmount]\n"
		   ".overmount d755 0:0 [overmount]\n"
		   ".overmount/manifest -444 0:0 [overmount]\n"
		   "dev d755 0:0 [overmount]\n"
		   "dev/console c600 0:0 5,1 [overmount]\n"
		   "dev/null c666 0:0 1,3 [overmount]\n");
	assert_int_equal(tree.node_count, 5);
	end();
}

/* A layer's own console stays as it is; something else by that name does not. */
static void test_layer_devices(void **state)
{
	struct om_member console = { .path = OM_STR("dev/console"), .mode = OM_S_IFCHR | 0620,
				     .gid = 5, .nlink = 1, .rdev_major = 5, .rdev_minor = 1 };

	(void)state;
	begin(true, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(om_tree_add_member(&tree, &console, NULL), OM_OK);
	assert_int_equal(add("dev/null", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	check_tree("devices", true,
		   ". d755 0:0 [overmount]\n"
		   "dev d755 0:0 [base]\n"
		   "dev/console c620 0:5 5,1 [base]\n"
		   "dev/null c666 0:0 1,3 [overmount]\n");
	end();
	begin(true, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(add("dev", OM_S_IFLNK | 0777, "/tmp"), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_ESCAPES);
	assert_non_null(strstr(tree.diag.text, "layer overmount: dev: "));
	end();
}

static const struct om_node *find(const char *path)
{
	const struct om_node *node;

	assert_int_equal(om_tree_lookup(&tree, path, &node), OM_OK);
	return node;
}

static char *read_text(const char *path)
{
	const struct om_node *node = find(path);
	struct om_member member;
	char *text;

	om_node_describe(&tree, node, &member, NULL);
	text = calloc(1, member.size + 1);
	assert_int_equal(om_node_read(node, 0, text, member.size), OM_OK);
	return text;
}

static void test_manifest(void **state)
{
	char *text;

	(void)state;
	begin(false, true);
	assert_int_equal(om_tree_begin_layer(&tree, "base.tar"), OM_OK);
	assert_int_equal(add("etc", OM_S_IFDIR | 0755, ""), OM_OK);
	assert_int_equal(add("etc/motd", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("etc/hosts", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("lib/x", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "my\tsite"), OM_OK);
	assert_int_equal(add("etc/.wh.motd", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("etc/hosts", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("odd\\\n", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "top"), OM_OK);
	assert_int_equal(add("etc", OM_S_IFDIR | 0700, ""), OM_OK);
	assert_int_equal(add("etc/hosts", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("lib", OM_S_IFLNK | 0777, "usr/lib"), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	text = read_text("/.overmount/manifest");
	assert_text("manifest", text,
		    "# overmount manifest 1: path, layer, what it hides\n"
		    "/\tovermount\n"
		    "/.overmount\tovermount\n"
		    "/.overmount/manifest\tovermount\n"
		    "/etc\ttop\thides base.tar\n"
		    "/etc/hosts\ttop\thides my\\011site, base.tar\n"
		    "/lib\ttop\thides base.tar\n"
		    "/odd\\134\\012\tmy\\011site\n"
		    "/etc/motd\tmy\\011site\tdeletes base.tar\n");
	free(text);
	end();
}

/* What was deleted is sorted by path, whatever the order of members; then by layer. */
static void test_manifest_deleted(void **state)
{
	static const char *const gone[] = { "c", "a/x", "b", "a", "ab" };
	char *text;

	(void)state;
	begin(false, true);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(om_tree_begin_layer(&tree, round ? "base 2" : "base 1"), OM_OK);
		for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
			if (strcmp(gone[i], "a") != 0)
				assert_int_equal(add(gone[i], OM_S_IFREG, ""), OM_OK);
		assert_int_equal(om_tree_begin_layer(&tree, round ? "two" : "one"), OM_OK);
		for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
			char name[16];
			const char *slash = strchr(gone[i], '/');

			if (round && slash)
				continue;
			snprintf(name, sizeof(name), "%.*s.wh.%s",
				 slash ? (int)(slash - gone[i] + 1) : 0, gone[i],
				 slash ? slash + 1 : gone[i]);
			assert_int_equal(add(name, OM_S_IFREG, ""), OM_OK);
		}
	}
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	text = read_text("/.overmount/manifest");
	/* a/x went with a: the whiteout of a is applied with its own directory, which comes first */
	assert_text("manifest", strstr(text, "/.overmount/manifest"),
		    "/.overmount/manifest\tovermount\n"
		    "/a\tone\tdeletes base 1\n"
		    "/a\ttwo\tdeletes base 2\n"
		    "/ab\tone\tdeletes base 1\n"
		    "/ab\ttwo\tdeletes base 2\n"
		    "/b\tone\tdeletes base 1\n"
		    "/b\ttwo\tdeletes base 2\n"
		    "/c\tone\tdeletes base 1\n"
		    "/c\ttwo\tdeletes base 2\n");
	free(text);
	end();
}

struct lookup_case {
	const char *path;
	enum om_status status;
	const char *found;
};

static const struct lookup_case lookup_cases[] = {
	{ "/", OM_OK, "." }, { "", OM_OK, "." }, { "/a/b/f", OM_OK, "a/b/f" },
	{ "a/b/f", OM_OK, "a/b/f" }, { "//a/./b//", OM_OK, "a/b" }, { "/../a", OM_OK, "a" },
	{ "/a/b/../b", OM_OK, "a/b" }, { "/abs", OM_OK, "a/b" }, { "/abs/f", OM_OK, "a/b/f" },
	{ "/a/rel/f", OM_OK, "a/b/f" }, { "/a/up/f", OM_OK, "a/b/f" },
	{ "/a/b/f/..", OM_TYPE, 0 }, { "/a/b/f/x", OM_TYPE, 0 }, { "/a/x", OM_MISSING, 0 },
	{ "/a/x/y", OM_MISSING, 0 }, { "/loop", OM_LIMIT, 0 }, { "/dangling", OM_MISSING, 0 },
};

static void test_lookup(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(add("a/b/f", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(add("abs", OM_S_IFLNK | 0777, "/a/b"), OM_OK);
	assert_int_equal(add("a/rel", OM_S_IFLNK | 0777, "b"), OM_OK);
	assert_int_equal(add("a/up", OM_S_IFLNK | 0777, "../../abs/"), OM_OK);
	assert_int_equal(add("loop", OM_S_IFLNK | 0777, "loop"), OM_OK);
	assert_int_equal(add("dangling", OM_S_IFLNK | 0777, "nowhere"), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	for (size_t i = 0; i < ARRAY_SIZE(lookup_cases); i++) {
		const struct lookup_case *test = &lookup_cases[i];
		const struct om_node *node = NULL;
		enum om_status status = om_tree_lookup(&tree, test->path, &node);
		struct om_member member;

		if (status != test->status)
			fail_msg("%s: %s", test->path, om_status_text(status));
		if (status != OM_OK)
			continue;
		om_node_describe(&tree, node, &member, NULL);
		test_assert_str(member.path, test->found);
	}
	end();
}

/* Names of one file share it; a later layer that replaces one name leaves the others. */
static void test_hard_links(void **state)
{
	struct archive archive = { 0 };
	struct test_source base, top;

	(void)state;
	begin(false, false);
	cpio_put(&archive, &(struct item){ .name = "a", .ino = 5, .nlink = 3, .mode = 0100600 });
	cpio_put(&archive, &(struct item){ .name = "s", .ino = 5, .nlink = 3, .mode = 010600 });
	cpio_put(&archive, &(struct item){ .name = "c", .ino = 5, .nlink = 3, .mode = 0100600 });
	cpio_put(&archive, &(struct item){ .name = "b", .ino = 5, .nlink = 3, .mode = 0100640,
					   .data = "shared" });
	cpio_end(&archive);
	cpio_put(&archive, &(struct item){ .name = "d", .ino = 5, .nlink = 2, .data = "other" });
	cpio_end(&archive);
	test_source_init(&base, &archive, false);
	archive_free(&archive);
	tar_put(&archive, &(struct item){ .name = "c", .data = "new" });
	tar_put(&archive, &(struct item){ .name = "x", .type = '1', .link = "./c" });
	tar_put(&archive, &(struct item){ .name = "y", .mode = 0120777, .link = "c" });
	tar_put(&archive, &(struct item){ .name = "z", .type = '1', .link = "y" });
	tar_end(&archive);
	test_source_init(&top, &archive, false);
	archive_free(&archive);
	assert_int_equal(om_tree_add_cpio(&tree, "base", &base.source), OM_OK);
	assert_int_equal(om_tree_add_tar(&tree, "top", &top.source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	check_tree("hard links", false,
		   ". d755 0:0\n"
		   "a -640 0:0 =shared *2\n"
		   "b -640 0:0 =shared *2\n"
		   "c -644 0:0 =new *2\n"
		   "d -644 0:0 =other\n"
		   "s p600 0:0\n"
		   "x -644 0:0 =new *2\n"
		   "y l777 0:0 ->c\n"
		   "z l777 0:0 ->c\n");
	assert_int_equal(tree.data_bytes, 6 + 3 + 5);
	end();
	test_source_free(&base);
	test_source_free(&top);
}

struct link_case {
	const char *target;
	enum om_status status;
	const char *text;
};

static void test_bad_hard_links(void **state)
{
	static const struct link_case cases[] = {
		{ "lower", OM_MISSING, "layer top: x: a hard link to lower, which is no earlier" },
		{ "later", OM_MISSING, "a hard link to later" },
		{ "dir", OM_TYPE, "which is a directory" },
		{ "link/in", OM_MISSING, "a hard link to link/in" },
		{ "dir/in", OM_OK, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct archive archive = { 0 };
		struct test_source source;

		begin(false, false);
		assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
		assert_int_equal(add("lower", OM_S_IFREG, ""), OM_OK);
		tar_put(&archive, &(struct item){ .name = "dir/in", .data = "1" });
		tar_put(&archive, &(struct item){ .name = "link", .mode = 0120777, .link = "dir" });
		tar_put(&archive, &(struct item){ .name = "x", .type = '1',
						  .link = cases[i].target });
		tar_put(&archive, &(struct item){ .name = "later" });
		tar_end(&archive);
		test_source_init(&source, &archive, true);
		archive_free(&archive);
		if (om_tree_add_tar(&tree, "top", &source.source) != cases[i].status ||
		    !strstr(tree.diag.text, cases[i].text))
			fail_msg("%s: %s", cases[i].target, tree.diag.text);
		end();
		test_source_free(&source);
	}
}

static void test_limits(void **state)
{
	char path[2 * OM_PATH_MAX];
	uint32_t i;

	(void)state;
	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	memset(path, 'x', sizeof(path));
	path[OM_NAME_MAX] = '\0';
	assert_int_equal(add(path, OM_S_IFREG, ""), OM_OK);
	path[OM_NAME_MAX] = 'x';
	path[OM_NAME_MAX + 1] = '\0';
	assert_int_equal(add(path, OM_S_IFREG, ""), OM_LIMIT);
	for (i = 0; i < 2 * OM_PATH_MAX; i++)
		path[i] = i % 64 == 63 ? '/' : 'y';
	path[OM_PATH_MAX] = '\0';
	assert_int_equal(add(path, OM_S_IFREG, ""), OM_LIMIT);
	assert_non_null(strstr(tree.diag.text, "longer than 4095"));
	for (i = 0; i < 2 * (OM_DEPTH_MAX + 1); i++)
		path[i] = i & 1 ? '/' : 'z';
	path[i] = '\0';
	assert_int_equal(add(path, OM_S_IFDIR, ""), OM_LIMIT);
	assert_int_equal(add("", OM_S_IFDIR, ""), OM_SYNTAX);
	assert_int_equal(add("t", 0, ""), OM_TYPE);
	assert_int_equal(add("l", OM_S_IFLNK, ""), OM_SYNTAX);
	assert_int_equal(add("a/TRAILER!!!", OM_S_IFREG, ""), OM_OK);
	assert_int_equal(add("./TRAILER!!!", OM_S_IFREG, ""), OM_UNSUPPORTED);
	/* nothing can be made of a tree that refused a member */
	assert_int_equal(om_tree_end_layer(&tree), OM_UNSUPPORTED);
	assert_int_equal(om_tree_begin_layer(&tree, "next"), OM_UNSUPPORTED);
	assert_int_equal(om_tree_finish(&tree), OM_UNSUPPORTED);
	assert_non_null(strstr(tree.diag.text, "TRAILER!!!"));
	end();

	begin(false, false);
	for (i = 0; i < OM_LAYERS_MAX; i++)
		assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "last"), OM_LIMIT);
	assert_non_null(strstr(tree.diag.text, "layer last: too many layers"));
	end();
}

#ifdef OM_SMALL_LIMITS
/* The last name that fits, and the first that does not. */
static void test_members_max(void **state)
{
	char name[16];
	uint32_t i;

	(void)state;
	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	for (i = 0; i < OM_MEMBERS_MAX; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(add(name, OM_S_IFREG, ""), OM_OK);
	}
	assert_int_equal(om_tree_begin_layer(&tree, "top"), OM_OK);
	assert_int_equal(add("one-more", OM_S_IFREG, ""), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_LIMIT);
	assert_non_null(strstr(tree.diag.text, "too many names"));
	end();

	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	for (i = 0; i < OM_MEMBERS_MAX; i++) {
		snprintf(name, sizeof(name), "d/f%u", i);
		assert_int_equal(add(name, OM_S_IFREG, ""),
				 i + 1 < OM_MEMBERS_MAX ? OM_OK : OM_LIMIT);
	}
	assert_non_null(strstr(tree.diag.text, "too many members"));
	end();
}
#endif

static void test_misuse(void **state)
{
	uint64_t size;

	(void)state;
	begin(false, false);
	assert_int_equal(add("x", OM_S_IFREG, ""), OM_MISUSE);
	assert_int_equal(om_image_layout(&tree, &size), OM_MISUSE);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_MISUSE);
	assert_int_equal(om_tree_begin_layer(&tree, "late"), OM_MISUSE);
	end();
}

static void test_bytes(void **state)
{
	char *text;

	(void)state;
	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(add("etc/x", OM_S_IFREG | 0644, ""), OM_OK);
	assert_int_equal(om_tree_add_bytes(&tree, "/.overmount/root.descriptor", 0444,
					   (struct om_span){ (const uint8_t *)"abc", 3 }), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	text = read_text("/.overmount/root.descriptor");
	assert_string_equal(text, "abc");
	free(text);
	assert_int_equal(om_node_read(find("etc"), 0, NULL, 0), OM_TYPE);
	assert_int_equal(om_node_read(find("etc/x"), 0, NULL, 1), OM_TRUNCATED);
	end();
}

/* The end of a layer is where its findings about lower layers come up. */
static void test_end_layer(void **state)
{
	(void)state;
	begin(false, false);
	assert_int_equal(om_tree_begin_layer(&tree, "base"), OM_OK);
	assert_int_equal(add("a", OM_S_IFLNK | 0777, "b"), OM_OK);
	assert_int_equal(om_tree_end_layer(&tree), OM_OK);
	assert_int_equal(om_tree_end_layer(&tree), OM_OK);
	assert_int_equal(tree.node_count, 1);
	assert_int_equal(om_tree_begin_layer(&tree, "top"), OM_OK);
	assert_int_equal(add("a/x", OM_S_IFREG, ""), OM_OK);
	assert_int_equal(om_tree_end_layer(&tree), OM_ESCAPES);
	assert_non_null(strstr(tree.diag.text, "layer top: a: "));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_always_there),
		cmocka_unit_test(test_layer_devices),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_manifest_deleted),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_bad_hard_links),
		cmocka_unit_test(test_limits),
#ifdef OM_SMALL_LIMITS
		cmocka_unit_test(test_members_max),
#endif
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_end_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
