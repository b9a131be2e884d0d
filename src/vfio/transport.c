#include "vfio/transport.h"

void
ferry_transport_free(FerryTransport *self)
{
    if (self == NULL)
        return;
    self->ops->free(self->data);
    g_free(self->name);
    g_free(self);
}
