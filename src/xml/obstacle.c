#include "xml/obstacle.h"

#include <libxml/xpath.h>

#include "xml/document.h"

/*
 * What libvirt 11.3 and QEMU 10.0 refuse to migrate and to save, asked on real guests but for
 * those that could not be had: vDPA and the TSC (libvirt, qemuMigrationSrcIsAllowed) and 3D
 * acceleration (QEMU, hw/display/virtio-gpu-base.c, "virgl is not yet migratable").
 */
/* clang-format off */
static const struct {
    const char *path; /* XPath of the element */
    const char *what, *remedy;
} rows[] = {
    { "/domain/devices/shmem[not(@role='master')]", "shared memory whose role is not \"master\"",
      "give it role='master', or take it off" },
    { "/domain/devices/interface[@type='vdpa']", "a vDPA device", "take it off" },
    { "/domain/devices/disk[transient]", "a transient disk", "start it anew without <transient/>" },
    { "/domain/devices/disk[mirror]", "a disk that a block job works on",
      "let that end first (\"virsh blockjob\")" },
    { "/domain/devices/sound[@model='virtio' or @model='usb']", "a sound card of a model that QEMU does not migrate",
      "give it one of model='ich9', or none" },
    { "/domain/devices/crypto", "a virtio crypto device", "take it out of its definition" },
    { "/domain/devices/video[model/acceleration/@accel3d='yes']", "a graphics card with 3D acceleration",
      "turn accel3d off in its definition" },
    { "/domain[not(clock/timer[@name='tsc' and @frequency])]"
      "/cpu/feature[@name='invtsc' and (@policy='require' or @policy='force' or not(@policy))]",
      "an invariant TSC (invtsc) of no fixed frequency",
      "set one in its definition (<timer name='tsc' frequency='…'/>), or leave invtsc out" },
};
/* clang-format on */

static void
obstacle_free(gpointer data)
{
    FerryObstacle *self = data;

    g_free(self->alias);
    g_free(self);
}

GPtrArray *
ferry_obstacles_find(xmlDoc *document)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(obstacle_free);
    xmlXPathContext *context = xmlXPathNewContext(document);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        xmlXPathObject *hits = xmlXPathEvalExpression(BAD_CAST rows[i].path, context);

        g_assert(hits != NULL); /* a path of ours that is none */
        for (int j = 0; j < xmlXPathNodeSetGetLength(hits->nodesetval); j++) {
            const xmlNode *node = xmlXPathNodeSetItem(hits->nodesetval, j);
            FerryObstacle *obstacle = g_new0(FerryObstacle, 1);

            obstacle->alias = ferry_document_attribute(ferry_document_child(node, "alias"), "name");
            obstacle->what = rows[i].what;
            obstacle->remedy = rows[i].remedy;
            g_ptr_array_add(found, obstacle);
        }
        xmlXPathFreeObject(hits);
    }
    xmlXPathFreeContext(context);
    return found;
}
