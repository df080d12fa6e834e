/* SPDX-License-Identifier: MIT */
/* Pipes, with a name (FIFO) and without. */
#include "internal.h"

#define PIPE_SIZE	65536u	/* as Linux */
#define PIPE_PAGES	(PIPE_SIZE / PAGE_SIZE)
#define PIPE_BUF	4096u	/* writes up to this are not torn */

struct pipe {
	void *pages[PIPE_PAGES];	/* made when first written */
	uint64_t head, tail;		/* bytes ever written, read */
	unsigned readers, writers;
	unsigned reader_generation, writer_generation;	/* opens ever, for blocking FIFO opens */
	struct waitq queue;
};

static struct pipe *pipe_of(struct inode *inode)
{
	if (!inode->pipe && memory_for_files())
		inode->pipe = kzalloc(sizeof(struct pipe));
	return inode->pipe;
}

void pipe_free(struct inode *inode)
{
	struct pipe *pipe = inode->pipe;

	if (!pipe)
		return;
	for (unsigned i = 0; i < PIPE_PAGES; i++)
		if (pipe->pages[i])
			page_put(pipe->pages[i]);
	kfree(pipe);
	inode->pipe = NULL;
}

static bool can_read(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool can_write(const struct file *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

static long pipe_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct pipe *pipe = file->inode->pipe;
	long done = 0, n;

	(void)pos;
	while (pipe->head == pipe->tail) {
		if (pipe->writers == 0)
			return 0;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&pipe->queue) < 0)
			return -EINTR;
	}
	while (uio->left > 0 && pipe->tail != pipe->head) {
		size_t at = (size_t)(pipe->tail % PIPE_SIZE);
		size_t len = PAGE_SIZE - at % PAGE_SIZE;

		if (len > pipe->head - pipe->tail)
			len = (size_t)(pipe->head - pipe->tail);
		n = uio_put(uio, (char *)pipe->pages[at / PAGE_SIZE] + at % PAGE_SIZE, len);
		if (n <= 0) {
			if (done == 0)
				done = n;
			break;
		}
		pipe->tail += (uint64_t)n;
		done += n;
	}
	wake_up(&pipe->queue);
	return done;
}

/* Room for a write of LEN bytes: small ones wait until they fit in one piece. */
static bool has_room(const struct pipe *pipe, size_t len)
{
	uint64_t room = PIPE_SIZE - (pipe->head - pipe->tail);

	return len <= PIPE_BUF ? room >= len : room > 0;
}

/* As much as there is room for: bytes or -errno. */
static long pipe_fill(struct pipe *pipe, struct uio *uio)
{
	size_t at = (size_t)(pipe->head % PIPE_SIZE);
	size_t len = PAGE_SIZE - at % PAGE_SIZE;
	uint64_t room = PIPE_SIZE - (pipe->head - pipe->tail);
	void **page = &pipe->pages[at / PAGE_SIZE];
	long n;

	if (!*page)
		*page = page_alloc_file();
	if (!*page)
		return -ENOMEM;
	n = uio_get(uio, (char *)*page + at % PAGE_SIZE, len < room ? len : (size_t)room);
	if (n > 0)
		pipe->head += (uint64_t)n;
	return n;
}

static long pipe_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct pipe *pipe = file->inode->pipe;
	size_t want = uio->left;
	long done = 0, n;

	(void)pos;
	while (uio->left > 0) {
		if (pipe->readers == 0) {
			signal_self(13);	/* SIGPIPE */
			return done > 0 ? done : -EPIPE;
		}
		if (!has_room(pipe, done == 0 ? want : uio->left > PIPE_BUF ? uio->left : 1)) {
			if (file->flags & O_NONBLOCK)
				return done > 0 ? done : -EAGAIN;
			wake_up(&pipe->queue);
			if (sleep_on(&pipe->queue) < 0)
				return done > 0 ? done : -EINTR;
			continue;
		}
		n = pipe_fill(pipe, uio);
		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
	}
	wake_up(&pipe->queue);
	return done;
}

/* How many writers there had been when a reader came that did not wait for one. */
static void *generation_mark(const struct pipe *pipe)
{
	return (void *)((uintptr_t)pipe->writer_generation + 1);
}

static int pipe_poll(struct file *file, struct waitq **ret_queue)
{
	struct pipe *pipe = file->inode->pipe;
	int events = 0;

	*ret_queue = &pipe->queue;
	if (can_read(file)) {
		if (pipe->head != pipe->tail)
			events |= POLLIN;
		/* Only who has seen a writer can miss one. */
		if (pipe->writers == 0 && file->private != generation_mark(pipe))
			events |= POLLHUP;
	}
	if (can_write(file)) {
		if (has_room(pipe, PIPE_BUF))
			events |= POLLOUT;
		if (pipe->readers == 0)
			events |= POLLERR;
	}
	return events;
}

#define FIONREAD 0x541b

static long pipe_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
	struct pipe *pipe = file->inode->pipe;
	int waiting = (int)(pipe->head - pipe->tail);
	struct uio uio = { (char *)arg, sizeof(waiting), true };

	if (cmd != FIONREAD)
		return -ENOTTY;
	return uio_put(&uio, &waiting, sizeof(waiting)) < 0 ? -EFAULT : 0;
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->inode->pipe;

	if (can_read(file))
		pipe->readers--;
	if (can_write(file))
		pipe->writers--;
	if (pipe->readers == 0 && pipe->writers == 0)
		pipe->tail = pipe->head;
	wake_up(&pipe->queue);
}

static int64_t pipe_llseek(struct file *file, int64_t offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return -ESPIPE;
}

static const struct file_ops pipe_file_ops = {
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.llseek = pipe_llseek,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
};

/* Opening one end of a FIFO waits for the other, as POSIX wants it. */
int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe = pipe_of(inode);
	unsigned seen;
	int err = 0;

	if (!pipe)
		return -ENOMEM;
	file->ops = &pipe_file_ops;
	if ((file->flags & O_ACCMODE) == O_WRONLY && (file->flags & O_NONBLOCK) && pipe->readers == 0)
		return -ENXIO;
	if (can_read(file)) {
		pipe->readers++;
		pipe->reader_generation++;
	}
	if (can_write(file)) {
		pipe->writers++;
		pipe->writer_generation++;
	}
	wake_up(&pipe->queue);
	if ((file->flags & O_NONBLOCK) && pipe->writers == 0)
		file->private = generation_mark(pipe);
	if (file->flags & O_NONBLOCK)
		return 0;
	seen = pipe->writer_generation;
	while (err == 0 && !can_write(file) && pipe->writers == 0 && pipe->writer_generation == seen)
		err = sleep_on(&pipe->queue);
	seen = pipe->reader_generation;
	while (err == 0 && !can_read(file) && pipe->readers == 0 && pipe->reader_generation == seen)
		err = sleep_on(&pipe->queue);
	if (err < 0)
		pipe_release(file);
	return err;
}

static const struct inode_ops pipe_inode_ops = { 0 };

int pipe_create(unsigned flags, struct file **ret_files)
{
	static uint64_t last_ino;
	struct super_block *sb = pseudo_super();
	struct inode *inode = sb ? inode_new(sb) : NULL;
	struct file *ends[2];
	char name[32] = "pipe:[";
	size_t len = 6;
	uint64_t n;
	struct path path;
	int err = -ENOMEM;

	if (!inode)
		return -ENOMEM;
	inode->ino = n = ++last_ino;
	inode->mode = S_IFIFO | 0600;
	inode->ops = &pipe_inode_ops;
	inode->atime = inode->mtime = inode->ctime = time_now();
	if (current) {
		inode->uid = current->euid;
		inode->gid = current->egid;
	}
	for (uint64_t d = n; d >= 10; d /= 10)
		len++;
	name[len + 1] = ']';
	for (; n; n /= 10)
		name[len--] = (char)('0' + n % 10);
	if (!pipe_of(inode)) {
		iput(inode);
		return -ENOMEM;
	}
	err = pseudo_path(inode, name, &path);
	if (err < 0)
		return err;
	err = -ENOMEM;
	ends[0] = file_alloc(&path, inode, O_RDONLY | (flags & O_NONBLOCK));
	if (!ends[0])
		goto out;
	ends[1] = file_alloc(&path, inode, O_WRONLY | (flags & O_NONBLOCK));
	if (!ends[1]) {
		file_put(ends[0]);
		goto out;
	}
	ends[0]->ops = ends[1]->ops = &pipe_file_ops;
	ends[0]->opened = ends[1]->opened = true;
	inode->pipe->readers = inode->pipe->writers = 1;
	ret_files[0] = ends[0];
	ret_files[1] = ends[1];
	err = 0;
out:
	path_put(&path);
	return err;
}
