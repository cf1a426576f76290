"""Rules: profiles as data, and the words and verdicts of each rule. Knows no torch."""

from mnistnet.nets.rules.profiles import COURSE as COURSE
from mnistnet.nets.rules.profiles import PROFILES as PROFILES
from mnistnet.nets.rules.profiles import Profile as Profile
from mnistnet.nets.rules.profiles import ProfileError as ProfileError
from mnistnet.nets.rules.profiles import built_in as built_in
from mnistnet.nets.rules.profiles import profile as profile
from mnistnet.nets.rules.verdicts import Note as Note
from mnistnet.nets.rules.verdicts import Verdict as Verdict
from mnistnet.nets.rules.verdicts import card as card
from mnistnet.nets.rules.verdicts import epochs_text as epochs_text
from mnistnet.nets.rules.verdicts import notes as notes
from mnistnet.nets.rules.verdicts import parameters_text as parameters_text
from mnistnet.nets.rules.verdicts import verdicts as verdicts
