"""A grey canvas with text, by libcairo through ctypes: needs Debian's libcairo2 and
fonts-dejavu-core, and only to draw
the menu pictures anew. The functions themselves never need it."""
import ctypes
import ctypes.util


def _load():
    name = ctypes.util.find_library("cairo")
    if name is None:
        raise SystemExit("libcairo is not installed: apt-get install libcairo2 fonts-dejavu-core")
    cairo = ctypes.CDLL(name)
    pointer, real, text = ctypes.c_void_p, ctypes.c_double, ctypes.c_char_p
    cairo.cairo_image_surface_create.restype = pointer
    cairo.cairo_create.restype = pointer
    cairo.cairo_image_surface_get_data.restype = ctypes.POINTER(ctypes.c_ubyte)
    for call, arguments in {
        "cairo_image_surface_create": [ctypes.c_int] * 3,
        "cairo_create": [pointer],
        "cairo_set_source_rgb": [pointer, real, real, real],
        "cairo_paint": [pointer],
        "cairo_select_font_face": [pointer, text, ctypes.c_int, ctypes.c_int],
        "cairo_set_font_size": [pointer, real],
        "cairo_move_to": [pointer, real, real],
        "cairo_show_text": [pointer, text],
        "cairo_text_extents": [pointer, text, pointer],
        "cairo_rotate": [pointer, real],
        "cairo_surface_flush": [pointer],
        "cairo_image_surface_get_data": [pointer],
        "cairo_image_surface_get_stride": [pointer],
        "cairo_rectangle": [pointer, real, real, real, real],
        "cairo_fill": [pointer],
    }.items():
        getattr(cairo, call).argtypes = arguments
    return cairo


class _Extents(ctypes.Structure):
    _fields_ = [
        (n, ctypes.c_double) for n in ("x", "y", "width", "height", "x_advance", "y_advance")
    ]


class Canvas:
    def __init__(self, width, height, paper, turn=0.0):
        self.width, self.height = width, height
        self._cairo = _load()
        self._surface = self._cairo.cairo_image_surface_create(1, width, height)  # RGB24
        self._context = self._cairo.cairo_create(self._surface)
        self._grey(paper)
        self._cairo.cairo_paint(self._context)
        self._cairo.cairo_rotate(self._context, turn)

    def _grey(self, level):
        self._cairo.cairo_set_source_rgb(self._context, level, level, level)

    def text(self, where, words, font, ink=0.08, align="left"):
        """font: (family, size, bold, italic)."""
        family, size, bold, italic = font
        self._cairo.cairo_select_font_face(self._context, family.encode(), int(italic), int(bold))
        self._cairo.cairo_set_font_size(self._context, size)
        self._grey(ink)
        extents = _Extents()
        self._cairo.cairo_text_extents(self._context, words.encode(), ctypes.byref(extents))
        shift = {"left": 0.0, "centre": extents.x_advance / 2, "right": extents.x_advance}[align]
        self._cairo.cairo_move_to(self._context, where[0] - shift, where[1])
        self._cairo.cairo_show_text(self._context, words.encode())
        return extents.x_advance

    def bar(self, x, y, width, height, ink):
        self._grey(ink)
        self._cairo.cairo_rectangle(self._context, x, y, width, height)
        self._cairo.cairo_fill(self._context)

    def rows(self):
        """The picture as rows of grey bytes."""
        self._cairo.cairo_surface_flush(self._surface)
        stride = self._cairo.cairo_image_surface_get_stride(self._surface)
        data = ctypes.string_at(
            self._cairo.cairo_image_surface_get_data(self._surface), stride * self.height
        )
        return [data[y * stride : y * stride + 4 * self.width : 4] for y in range(self.height)]
