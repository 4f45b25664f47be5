"""What becomes of campaigns when a person is erased: results stay, nobody can be told from them."""

from members.privacy.deciding import decide, free, keep
from members.privacy.fates import wipe

decide("campaigns.Participant", keep("who was in which arm is what results are made of; a number without a name"))
decide("campaigns.JourneyVersion", free("graphs"))
decide("campaigns.Layer", free("names and conditions, written for everybody"))
decide("campaigns.Campaign", free("written by marketers for everybody"))
wipe("campaigns.Run", "note")
