"""What views keep of the crops they are made from: their detail, what tells them from others, their classes."""
