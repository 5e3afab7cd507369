// What the stand-in modules for a real kernel share.

#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/module.h>

#ifdef NV_OPEN
#define NV_LICENSE "Dual MIT/GPL"
#else
#define NV_LICENSE "NVIDIA"
#endif

#define NV_MAJOR 195
#define NV_MODESET_MINOR 254
#define NV_CONTROL_MINOR 255

// The other modules call this when they are loaded. Fails with -EINVAL for a module of another version.
int nvidia_get_rm_ops(const char *version);

static inline int nv_open(struct inode *inode, struct file *file)
{
	return 0;
}

// An open device node counts as a user of its module.
static const struct file_operations nv_operations = { .owner = THIS_MODULE, .open = nv_open };

static inline int nv_add_nodes(struct cdev *nodes, dev_t first, unsigned int count)
{
	cdev_init(nodes, &nv_operations);
	nodes->owner = THIS_MODULE;
	return cdev_add(nodes, first, count);
}
