/* The core depends on no library, so it reads JSON only. */
#include "base/yaml.h"

dmx_status dmx_yaml_read(dmx_json **out, const void *text, size_t size,
                         const char *name, dmx_error *err)
{
    (void)text, (void)size;
    *out = NULL;
    DMX_RETURN_ERROR(err, DMX_ERROR_UNSUPPORTED,
                     "%s: not JSON, and this library was built without YAML; "
                     "convert the file to JSON",
                     name);
}

dmx_status dmx_yaml_read_text(dmx_json **out, const void *text, size_t size,
                              const char *name, dmx_error *err)
{
    return dmx_yaml_read(out, text, size, name, err);
}
